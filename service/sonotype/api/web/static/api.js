// Asking the service: the key goes along, and what goes wrong is said in words.
import { byId } from "/assets/dom.js";

const GONE = "The connection broke off. Is the service running?";

export class Refusal extends Error {}

export const key = () => byId("key").value;
export const keyHeaders = () => (key() ? { "X-API-Key": key() } : {});
export const typeOf = (file) => (/^(audio|video)\//.test(file.type) ? file.type : "application/octet-stream");

// The words for an answer that is not a success; `text` should be a problem (RFC 9457).
export function refusal(status, text, retryAfter) {
  if (status === 401) {
    byId("access").open = true;
    byId("key").focus();
  }
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return new Refusal(`The service answered ${status} and no JSON.`);
  }
  const wait = retryAfter ? ` Try again in ${retryAfter} s.` : "";
  return new Refusal(`${body.title}. ${body.detail}${wait} (${body.code}, request ${body.request_id})`);
}

export async function ask(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { ...options, headers: { ...options.headers, ...keyHeaders() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(GONE);
  }
  if (!answer.ok) throw refusal(answer.status, await answer.text(), answer.headers.get("Retry-After"));
  return answer;
}

export const askJson = async (url, options) => (await ask(url, options)).json();

export const fromJson = (body) => ({
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});
export const fromFile = (file) => ({ method: "POST", headers: { "Content-Type": typeOf(file) }, body: file });

// Read a sound while it is generated; `onShare` hears how much of it is there, null where the whole is not known.
export async function askSound(url, options = {}, onShare = () => {}) {
  const answer = await ask(url, options);
  const whole = Number(answer.headers.get("Content-Length"));
  const pieces = [];
  let bytes = 0;
  try {
    for (const reader = answer.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      bytes += value.length;
      onShare(whole ? bytes / whole : null);
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The sound broke off while it was generated.");
  }
  return { blob: new Blob(pieces, { type: answer.headers.get("Content-Type") }), headers: answer.headers };
}

// Upload one file to a route that answers JSON; `step(text, share)` hears how far it is.
export function upload(url, file, { signal, step }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.setRequestHeader("Content-Type", typeOf(file));
    for (const [name, value] of Object.entries(keyHeaders())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => step(`Sending ${Math.round((100 * loaded) / total)} %`, loaded / total);
    request.upload.onload = () => step("Listening …", null);
    request.onload = () => {
      const { status } = request;
      if (status === 200 || status === 201) resolve({ status, body: JSON.parse(request.responseText), timing: request.getResponseHeader("Server-Timing") });
      else reject(refusal(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = () => reject(new Refusal(GONE));
    request.onabort = () => reject(new DOMException("The request was given up.", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    step("Sending …", 0);
    request.send(file);
  });
}
