// Draws the OpenAPI description as a page, with nothing from outside.

const element = (tag, text = "", ...children) => {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
};

function kind(schema, schemas) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const choices = schema.anyOf || schema.oneOf;
  if (choices) return choices.map((choice) => kind(choice, schemas)).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.type === "array") {
    const size = [schema.minItems, schema.maxItems].filter((n) => n !== undefined);
    return `list of ${kind(schema.items || {}, schemas)}${size.length ? ` (${[...new Set(size)].join(" to ")})` : ""}`;
  }
  const bounds = [];
  if (schema.minimum !== undefined) bounds.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) bounds.push(`to ${schema.maximum}`);
  if (schema.exclusiveMaximum !== undefined) bounds.push(`below ${schema.exclusiveMaximum}`);
  return [schema.type || "anything", ...bounds].join(" ");
}

function table(head, rows, label) {
  const made = element("table", "",
    element("thead", "", element("tr", "", ...head.map((text) => Object.assign(element("th", text), { scope: "col" })))),
    element("tbody", "", ...rows.map((row) => element("tr", "", ...row.map((text, index) => (
      index ? element("td", text) : Object.assign(element("th", "", element("code", text)), { scope: "row" })))))));
  const scroll = element("div", "", made);
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", label);
  return scroll;
}

const fields = (schema, schemas, label) => table(["Field", "What", "Default"], Object.entries(schema.properties || {}).map(
  ([name, field]) => [
    name,
    [kind(field, schemas), field.description].filter(Boolean).join(". "),
    field.default === undefined ? "" : JSON.stringify(field.default),
  ]), label);

function operation(path, method, description, schemas) {
  const title = element("h2", "", element("code", `${method.toUpperCase()} ${path}`));
  const section = element("section", "", title, element("p", description.description || description.summary));
  const reference = description.requestBody?.content?.["application/json"]?.schema?.$ref;
  if (reference) {
    const schema = schemas[reference.split("/").pop()];
    section.append(fields(schema, schemas, `Fields of ${path}`));
    section.append(element("pre", `curl ${location.origin}${path} --json '{}' --output answer`));
  } else {
    section.append(element("pre", `curl ${location.origin}${path}`));
  }
  section.append(table(["Status", "Meaning", "Answer"], Object.entries(description.responses).map(
    ([status, answer]) => [status, answer.description, Object.keys(answer.content || {}).join(", ")]), `Answers of ${path}`));
  return section;
}

const { paths, components: { schemas } } = await (await fetch("/api/openapi.json")).json();
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, description] of Object.entries(methods)) {
    document.getElementById("paths").append(operation(path, method, description, schemas));
  }
}
for (const name of ["Point", "Corner"]) {
  const section = element("section", "", element("h2", name), element("p", schemas[name].description));
  section.append(fields(schemas[name], schemas, `Fields of ${name}`));
  document.getElementById("paths").append(section);
}
