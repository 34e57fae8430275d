// The reference, made from /openapi.json: what each route takes and answers.

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

// `code` in descriptions is the only markup; links are left as their text.
const prose = (text) => {
  const parts = (text || "").replace(/\[([^\]]+)\]\([^)]+\)/g, "$1").split("`");
  return element("p", "", ...parts.map((part, index) => (index % 2 ? element("code", "", part) : part)));
};

const typeOf = (schema, root) => {
  if (!schema) return "";
  if (schema.$ref) {
    const named = root.components.schemas[schema.$ref.split("/").pop()];
    return named.enum ? named.enum.join(" | ") : schema.$ref.split("/").pop();
  }
  if (schema.anyOf) return schema.anyOf.map((each) => typeOf(each, root)).filter((each) => each !== "null").join(" | ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.type === "array") return `${typeOf(schema.items, root)}, repeatable`;
  return schema.type || "";
};

const table = (heads, rows) => element("div", "wide", element("table", "",
  element("thead", "", element("tr", "", ...heads.map((head) => element("th", "", head)))),
  element("tbody", "", ...rows.map((row) => element("tr", "", ...row.map((cell) => element("td", "", cell)))))));

const shown = (value) => (value === undefined || value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value));

function parameters(operation, root) {
  const rows = (operation.parameters || []).map((each) => [
    element("code", "", each.name), typeOf(each.schema, root), shown(each.schema.default), prose(each.description)]);
  return rows.length ? table(["Option", "Type", "Default", "Meaning"], rows) : null;
}

function answers(operation) {
  const rows = Object.entries(operation.responses).map(([status, each]) => {
    const [media] = Object.entries(each.content || {}).map(([type, { schema }]) => (schema && schema.$ref ? schema.$ref.split("/").pop() : type));
    return [status, prose(each.description), media || ""];
  });
  return element("details", "", element("summary", "", "Answers"), table(["Status", "Meaning", "Body"], rows));
}

function operationCard(path, verb, operation, root) {
  return element("section", "card",
    element("h2", "", element("span", "verb", verb.toUpperCase()), " ", element("code", "", path)),
    prose(operation.description),
    operation.requestBody ? prose(`Body: ${operation.requestBody.description}`) : null,
    parameters(operation, root), answers(operation));
}

function schemaCard(name, schema, root) {
  const rows = Object.entries(schema.properties || {}).map(([field, each]) => [
    element("code", "", field), typeOf(each, root), prose(each.description)]);
  if (!rows.length) return null;
  return element("section", "card", element("h2", "", name), prose(schema.description), table(["Field", "Type", "Meaning"], rows));
}

const root = await (await fetch("/openapi.json")).json();
const example = `curl -F file=@track.mp3 '${location.origin}/v1/analyze?top_k=5'`;
document.getElementById("reference").replaceChildren(
  element("section", "card", element("h2", "", `${root.info.title} ${root.info.version}`),
    ...root.info.description.trim().split("\n\n").map(prose), element("pre", "", element("code", "", example))),
  ...Object.entries(root.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) => operationCard(path, verb, operation, root))),
  ...Object.entries(root.components.schemas).map(([name, schema]) => schemaCard(name, schema, root)).filter(Boolean),
);
