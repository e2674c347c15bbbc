"""The browsable page of everything that is served, made from the OpenAPI document.

It loads nothing and works without its script, which only searches and opens what the address names.
"""

import re
from collections.abc import Iterator, Mapping
from html import escape
from string import Template
from typing import Any

Object = Mapping[str, Any]

SCHEMAS = "schemas"
SCHEMAS_TEXT = "Members with `?` may be absent, in lists `[...]` is what they hold."
METHODS = ("get", "head", "post", "put", "patch", "delete")

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --raised: #ffffff; --ink: #1d2430; --soft: #5f6673; --line: #ddd9cf; --accent: #8a4b16;
  --get: #1f6f43; --post: #1d5fa8; --put: #8a5a00; --patch: #6b3fa0; --delete: #a8322a; --head: #5f6673;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181e; --raised: #1c2027; --ink: #e8e6e1; --soft: #9aa1ad; --line: #323843; --accent: #e0a06a;
    --get: #6cc794; --post: #79b1ee; --put: #dcae55; --patch: #b99be8; --delete: #ef8c84; --head: #9aa1ad;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
a { color: var(--accent); text-underline-offset: .15em; }
code, pre, .path { font: .875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.layout { display: grid; grid-template-columns: 15rem minmax(0, 58rem); gap: 3rem; padding: 0 2rem; }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 2rem 0; }
nav ul { list-style: none; margin: 1rem 0; padding: 0; }
nav li a { display: flex; justify-content: space-between; padding: .2rem 0; color: inherit;
  text-decoration: none; }
nav li a:hover { color: var(--accent); }
nav small, .soft { color: var(--soft); }
nav input { width: 100%; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--raised); color: inherit; font: inherit; }
main { padding: 2rem 0 6rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.35rem; margin: 3rem 0 .25rem; }
h3 { font-size: .8rem; margin: 1.4rem 0 .4rem; color: var(--soft); text-transform: uppercase;
  letter-spacing: .06em; }
p { margin: .5rem 0; max-width: 46rem; }
details { border: 1px solid var(--line); border-radius: .5rem; background: var(--raised); margin: .5rem 0; }
details[open] { margin: 1rem 0; }
summary { display: grid; grid-template-columns: 4.2rem minmax(0, 1fr); gap: 0 .75rem; padding: .6rem .9rem;
  cursor: pointer; list-style: none; align-items: baseline; }
summary::-webkit-details-marker { display: none; }
summary:focus-visible, a:focus-visible, input:focus-visible { outline: 2px solid var(--accent);
  outline-offset: 2px; border-radius: .4rem; }
summary .title { grid-column: 2; color: var(--soft); }
.path { overflow-wrap: anywhere; font-weight: 600; }
.path i { color: var(--accent); font-style: normal; font-weight: 400; }
.method { font: 700 .75rem/1.5 ui-monospace, Menlo, Consolas, monospace; text-align: right; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
.patch { color: var(--patch); } .delete { color: var(--delete); } .head { color: var(--head); }
.inside { padding: 0 1.1rem 1.1rem; border-top: 1px solid var(--line); }
.facts { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin-top: .8rem; font-size: .875rem;
  color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td { padding: .3rem .9rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child td { border-top: 0; }
td:first-child { white-space: nowrap; }
td > p:first-child { margin-top: 0; }
td:last-child { width: 99%; padding-right: 0; }
pre { margin: .3rem 0; padding: .7rem .9rem; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--paper); overflow-x: auto; }
ul.codes { margin: .2rem 0; padding: 0; list-style: none; }
ul.codes li { padding-left: 5.2rem; text-indent: -5.2rem; }
ul.codes code:first-child { display: inline-block; width: 4.8rem; text-indent: 0; margin-right: .4rem; }
.schema { margin: 1.6rem 0; }
.schema h3 { text-transform: none; letter-spacing: 0; font-size: 1rem; color: inherit; margin-bottom: 0; }
@media (max-width: 60rem) {
  .layout { display: block; padding: 0 1rem; }
  nav { position: static; height: auto; padding-bottom: 0; }
  nav ul { columns: 2; }
  td:first-child { white-space: normal; }
}
"""

SCRIPT = """
const box = document.getElementById("search");
const entries = document.querySelectorAll("[data-find]");
const sections = document.querySelectorAll("section");
const none = document.getElementById("none");
function search() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const entry of entries) entry.hidden = !words.every((word) => entry.dataset.find.includes(word));
  for (const section of sections) section.hidden = !section.querySelector("[data-find]:not([hidden])");
  none.hidden = [...sections].some((section) => !section.hidden);
}
function open() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named?.tagName === "DETAILS") named.open = true;
}
box.hidden = false;
box.addEventListener("input", search);
addEventListener("hashchange", open);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== box) { event.preventDefault(); box.focus(); }
});
open();
"""

PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title API</title>
<style>$style</style>
</head>
<body>
<div class="layout">
<nav aria-label="Families">
<input id="search" type="search" placeholder="Search   /" aria-label="Search operations and schemas" hidden>
<ul>$contents</ul>
<p><small>Version $version<br><a href="openapi.json">openapi.json</a></small></p>
</nav>
<main>
<h1>$title API</h1>
<p class="soft">$summary</p>
$introduction
<p id="none" hidden>Nothing here has all of these words.</p>
$sections
</main>
</div>
<script>$script</script>
</body>
</html>
"""
)

FAULT = {"$ref": "#/components/schemas/Fault"}

_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")
_PARAMETER = re.compile(r"\{(\w+)\}")


def render(document: Object) -> str:
    """The page of an OpenAPI document."""
    families: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item and not item[method].get("deprecated"):
                (family,) = item[method]["tags"]
                families[family].append(_operation(document, path, method, item[method]))
    schemas = document["components"]["schemas"]
    tags = document["tags"]
    contents = [_entry(tag["name"], tag["x-displayName"], len(families[tag["name"]])) for tag in tags]
    sections = [
        _section(tag["name"], tag["x-displayName"], tag["description"], families[tag["name"]]) for tag in tags
    ]
    components = [_component(name, schema) for name, schema in schemas.items()]
    return PAGE.substitute(
        title=escape(document["info"]["title"]),
        version=escape(document["info"]["version"]),
        summary=escape(document["info"]["summary"]),
        introduction=_markdown(document["info"]["description"]),
        contents="".join([*contents, _entry(SCHEMAS, "Schemas", len(schemas))]),
        sections="\n".join([*sections, _section(SCHEMAS, "Schemas", SCHEMAS_TEXT, components)]),
        style=STYLE,
        script=SCRIPT,
    )


def _entry(name: str, title: str, count: int) -> str:
    return f'<li><a href="#{escape(name)}">{escape(title)} <small>{count}</small></a></li>'


def _section(name: str, title: str, text: str, entries: list[str]) -> str:
    heading = f'<h2 id="{escape(name)}">{escape(title)}</h2><p>{_inline(text)}</p>'
    return f"<section>{heading}{''.join(entries)}</section>"


def _operation(document: Object, path: str, method: str, operation: Object) -> str:
    """One operation, closed until it is asked for."""
    responses = {status: _resolved(document, response) for status, response in operation["responses"].items()}
    parameters = [_resolved(document, parameter) for parameter in operation.get("parameters", ())]
    parts = [
        f"<p>{_inline(operation['description'])}</p>" if "description" in operation else "",
        _facts(document, operation),
        *_parameter_tables(parameters),
        _request(document, operation),
        *(_answer(document, status, response) for status, response in responses.items() if status < "400"),
        _refusals({status: response for status, response in responses.items() if status >= "400"}),
    ]
    shown_path = _PARAMETER.sub(r"<i>{\1}</i>", escape(path))
    found = " ".join([operation["operationId"], method, path, operation["summary"], *_codes(responses)])
    return (
        f'<details id="{operation["operationId"]}" data-find="{escape(found.lower())}">'
        f'<summary><span class="method {method}">{method.upper()}</span>'
        f'<span class="path">{shown_path}</span>'
        f'<span class="title">{escape(operation["summary"])}</span></summary>'
        f'<div class="inside">{"".join(parts)}</div></details>'
    )


def _facts(document: Object, operation: Object) -> str:
    """A link to the operation, and which token it needs: the last scheme is the most general."""
    schemes = document["components"]["securitySchemes"]
    texts = [schemes[name]["description"] for scheme in operation["security"] for name in scheme]
    callers = texts[-1] if texts else "Needs no token."
    link = f'<a href="#{operation["operationId"]}">{operation["operationId"]}</a>'
    return f'<div class="facts"><span>{link}</span><span>{_inline(callers)}</span></div>'


def _parameter_tables(parameters: list[Object]) -> Iterator[str]:
    for place, title in (("path", "In the path"), ("query", "Query"), ("header", "Headers")):
        rows = [_parameter(parameter) for parameter in parameters if parameter["in"] == place]
        if rows:
            yield f"<h3>{title}</h3><table>{''.join(rows)}</table>"


def _parameter(parameter: Object) -> str:
    is_optional = not parameter.get("required", False)
    name = f"<code>{escape(parameter['name'])}{'?' if is_optional else ''}</code>"
    text = _inline(parameter["description"])
    return f"<tr><td>{name}</td><td>{text} <code>{_type(parameter['schema'])}</code></td></tr>"


def _request(document: Object, operation: Object) -> str:
    if "requestBody" not in operation:
        return ""
    ((media_type, content),) = operation["requestBody"]["content"].items()
    return f"<h3>Request, {escape(media_type)}</h3>{_shape(document, content['schema'])}"


def _answer(document: Object, status: str, response: Object) -> str:
    title = f"<h3>Answer {status} {escape(response['description'])}"
    if "content" not in response:
        return f"{title}, without a body</h3>"
    ((media_type, content),) = response["content"].items()
    return f"{title}, {escape(media_type)}</h3>{_shape(document, content['schema'])}"


def _refusals(responses: Mapping[str, Object]) -> str:
    rows = [
        f"<tr><td>{status}</td><td>{_markdown(response['description'])}{_refusal_shape(response)}</td></tr>"
        for status, response in responses.items()
    ]
    return f"<h3>Refusals</h3><table>{''.join(rows)}</table>"


def _refusal_shape(response: Object) -> str:
    """The shape of a refusal, where it is another than that of most."""
    shapes = [_type(content["schema"]) for content in response.get("content", {}).values()]
    return "" if shapes in ([], [_type(FAULT)]) else f"<code>{shapes[0]}</code>"


def _codes(responses: Mapping[str, Object]) -> Iterator[str]:
    for response in responses.values():
        yield from (code for code in _CODE.findall(response["description"]) if code.isdigit())


def _component(name: str, schema: Object) -> str:
    text = f"<p>{_inline(schema['description'])}</p>" if "description" in schema else ""
    found = " ".join([name, *schema["properties"]])
    return (
        f'<div class="schema" id="schema-{escape(name)}" data-find="{escape(found.lower())}">'
        f"<h3>{escape(name)}</h3>{text}<pre>{_object(schema)}</pre></div>"
    )


def _shape(document: Object, schema: Object) -> str:
    """What a body looks like: the members of an object, names of schemas for everything inside."""
    if "allOf" in schema:
        kind, needed = schema["allOf"]
        whole = {**_resolved(document, kind), **needed}
        return f"<pre>{_type(kind)} {_object(whole)}</pre>"
    if "$ref" not in schema:
        return f"<pre>{_type(schema)}</pre>"
    return f"<pre>{_type(schema)} {_object(_resolved(document, schema))}</pre>"


def _object(schema: Object) -> str:
    required = schema.get("required", ())
    lines = [
        f"  {escape(name)}{'' if name in required else '?'}: {_type(member)}"
        for name, member in schema.get("properties", {}).items()
    ]
    return "\n".join(["{", *lines, "}"])


def _type(schema: Object) -> str:
    """A schema in few words, with a link to the component that it refers to."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "enum" in schema:
        return " | ".join(escape(f'"{value}"') for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"[{_type(schema['items'])}]"
    if schema.get("type") == "object":
        return f"{{string: {_type(schema.get('additionalProperties', {}))}}}"
    return escape(schema.get("format", schema.get("type", "anything")))


def _resolved(document: Object, part: Object) -> Object:
    """A part of the document, or what it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    found: Object = document["components"][kind][name]
    return found


def _markdown(text: str) -> str:
    """The little Markdown that our descriptions use: paragraphs, one level of lists, code, strong."""
    blocks = text.strip().split("\n\n")
    return "".join(_list(block) if block.startswith("- ") else f"<p>{_inline(block)}</p>" for block in blocks)


def _list(block: str) -> str:
    items = "".join(f"<li>{_inline(line.removeprefix('- '))}</li>" for line in block.split("\n"))
    return f'<ul class="codes">{items}</ul>'


def _inline(text: str) -> str:
    return _STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escape(text)))
