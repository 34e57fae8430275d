// Server-sent events. An EventSource sends no headers, so no key: the stream is read by hand.
import { Refusal, ask } from "/assets/api.js";

// The data of one event, parsed; null where it has none (a comment, the time to wait before asking again).
export function readEvent(text) {
  const data = text.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
  return data.length ? JSON.parse(data.join("\n")) : null;
}

// `onEvent(data)` hears every event until the service ends the stream. Raises a Refusal where it breaks off.
export async function follow(url, signal, onEvent) {
  const answer = await ask(url, { signal, headers: { Accept: "text/event-stream" } });
  if (answer.status === 204) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop();
      for (const data of parts.map(readEvent)) if (data) onEvent(data);
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof SyntaxError) throw error;
    throw new Refusal("The connection broke off.");
  }
}
