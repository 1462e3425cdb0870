// Reads a JSON list of diagrams, prints a JSON list: null for one that mermaid parses, its complaint for another.
import { JSDOM } from "jsdom";
import { text } from "node:stream/consumers";

// mermaid cleans its labels with DOMPurify, which has no hooks where there is no window: every diagram would fail.
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;

const { default: mermaid } = await import("mermaid");
const answers = [];
for (const diagram of JSON.parse(await text(process.stdin))) {
  answers.push(await mermaid.parse(diagram).then(() => null, (error) => String(error.message ?? error)));
}
process.stdout.write(JSON.stringify(answers));
