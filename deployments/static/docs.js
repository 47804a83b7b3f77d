// Renders openapi.json plainly, without anything from elsewhere.
import { h } from "./dom.js";

const spec = await (await fetch("/openapi.json")).json();

function shape(schema, depth = 0) {
  if (!schema) return "";
  if (schema.$ref) return shape(spec.components.schemas[schema.$ref.split("/").pop()], depth);
  if (schema.anyOf) return schema.anyOf.map((each) => shape(each, depth)).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `[${shape(schema.items, depth)}]`;
  if (schema.properties) {
    const pad = "  ".repeat(depth + 1);
    const rows = Object.entries(schema.properties).map(([name, each]) => `${pad}${name}: ${shape(each, depth + 1)}`);
    return `{\n${rows.join("\n")}\n${"  ".repeat(depth)}}`;
  }
  return schema.type ?? "any";
}

function block(title, text) { return text ? [h("p", { class: "muted" }, title), h("pre", {}, text)] : []; }

function parameters(list = []) {
  if (!list.length) return [];
  const rows = list.map((p) => h(
    "tr", {}, h("td", {}, h("code", {}, p.name)), h("td", {}, p.in), h("td", {}, shape(p.schema)),
    h("td", { class: "muted" }, p.description ?? (p.required ? "required" : `default ${JSON.stringify(p.schema?.default ?? "")}`)),
  ));
  return [h("table", {}, h("tbody", {}, ...rows))];
}

function operation(path, verb, op) {
  const asked = op.requestBody?.content?.["application/json"];
  const answers = Object.entries(op.responses ?? {}).map(([status, each]) => {
    const content = each.content?.["application/json"];
    const example = content?.example ? JSON.stringify(content.example) : shape(content?.schema);
    return [`${status} ${each.description ?? ""}`, example || "(no JSON schema)"];
  }).filter(([status]) => !status.startsWith("422 Validation"));
  return h(
    "details", {},
    h("summary", {}, h("span", { class: `verb ${verb}` }, verb.toUpperCase()), h("code", {}, path), h("span", {}, op.description ?? op.summary ?? "")),
    h(
      "div", { class: "body" },
      h("p", { class: "muted" }, op.security ? "Needs the bearer token." : "Needs no bearer token."), ...parameters(op.parameters),
      ...block("Body", asked?.example ? JSON.stringify(asked.example, null, 2) : shape(asked?.schema)), ...answers.flatMap(([title, text]) => block(title, text)),
    ),
  );
}

const groups = new Map();
for (const [path, verbs] of Object.entries(spec.paths)) {
  for (const [verb, op] of Object.entries(verbs)) {
    const tag = op.tags?.[0] ?? "other";
    if (!groups.has(tag)) groups.set(tag, []);
    groups.get(tag).push(operation(path, verb, op));
  }
}
document.getElementById("version").textContent = `version ${spec.info.version}`;
document.getElementById("docs").replaceChildren(
  h("p", {}, spec.info.description ?? ""), h("p", { class: "muted" }, 'Errors have one shape: {"error": {"code", "message", "field"}}.'),
  ...[...groups].flatMap(([tag, rows]) => [h("h2", {}, tag), h("div", { class: "panel" }, ...rows)]),
);
