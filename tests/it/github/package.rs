//! The archive of a release: what is in it, that it can be made again, and that it is found where it is looked for.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::files::{read, root};
use super::yaml::yaml;

const TARGET: &str = "x86_64-unknown-linux-musl";
/// What is released.
const TARGETS: [&str; 4] =
    ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"];

fn program(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn pack(binary: &Path, out: &Path) -> Output {
    Command::new("python3")
        .arg(root().join(".ci/package"))
        .args([TARGET.as_ref(), binary, out])
        // What a build machine may have set reaches neither scripts nor pages.
        .envs([("SOURCE_DATE_EPOCH", "1790000000"), ("STAGEGATE_JSON", "1")])
        .output()
        .unwrap()
}

/// The archive of the program that was built, behind a script: what is packed is as small as a release is.
fn packed(out: &Path) -> PathBuf {
    let binary = out.join("stagegate");
    program(&binary, &format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_stagegate")));
    let output = pack(&binary, out);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn tar(flags: &[&str], archive: &Path) -> String {
    let output = Command::new("tar").args(flags).arg(archive).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_archive_holds_program_licences_completions_and_manual() {
    let out = tempfile::tempdir().unwrap();
    let archive = packed(out.path());
    let folder = format!("stagegate-{}-{TARGET}", env!("CARGO_PKG_VERSION"));
    assert_eq!(archive, out.path().join(format!("{folder}.tar.gz")));
    let listed = tar(&["-tzf"], &archive);
    let names: Vec<&str> =
        listed.lines().map(|line| line.strip_prefix(&folder).unwrap().trim_start_matches('/')).collect();
    assert!(names.is_sorted(), "{names:?}");
    let pages = names.iter().filter(|name| name.starts_with("man/man1/stagegate")).count();
    assert!(pages > 25, "{names:?}");
    let others: Vec<&&str> = names.iter().filter(|name| !name.starts_with("man/")).collect();
    let expected = [
        "CHANGELOG.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "completions/_stagegate",
        "completions/_stagegate.ps1",
        "completions/stagegate.bash",
        "completions/stagegate.elv",
        "completions/stagegate.fish",
        "stagegate",
    ];
    assert_eq!(others, expected.iter().collect::<Vec<_>>());
    Command::new("tar").arg("-xzf").arg(&archive).current_dir(out.path()).status().unwrap();
    let unpacked = |name: &str| std::fs::read_to_string(out.path().join(&folder).join(name)).unwrap();
    assert_eq!(unpacked("README.md"), read("README.md"));
    assert!(unpacked("completions/_stagegate").starts_with("#compdef stagegate"));
    assert!(unpacked("man/man1/stagegate-rollback.1").contains(".TH stagegate-rollback 1"));
    let version = Command::new(out.path().join(&folder).join("stagegate")).arg("--version").output().unwrap();
    assert_eq!(version.stdout, format!("stagegate {}\n", env!("CARGO_PKG_VERSION")).into_bytes());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (packed(one.path()), packed(two.path()));
    let bytes = std::fs::read(&first).unwrap();
    assert!(bytes == std::fs::read(&second).unwrap());
    assert_eq!(bytes[4..8], [0; 4], "the time in the head of gzip");
    let listed = tar(&["-tvzf"], &first);
    // As GNU's tar prints it, and as BSD's.
    let same = |line: &str| {
        [" 0/0 ", " 0 0 "].iter().any(|owner| line.contains(owner))
            && ["2026-09-2", "Sep 2"].iter().any(|day| line.contains(day))
    };
    assert!(listed.lines().all(same), "{listed}");
}

#[test]
fn a_program_of_another_version_is_not_packed() {
    let out = tempfile::tempdir().unwrap();
    let other = out.path().join("stagegate");
    program(&other, "#!/bin/sh\necho stagegate 9.9.9\n");
    let output = pack(&other, &out.path().join("dist"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("9.9.9") && said.contains("build it again"), "{said}");
    assert!(!out.path().join("dist").exists());
}

/// One name in all places: the packing, the installer, cargo-binstall and the workflow.
#[test]
fn the_archive_is_found_where_it_is_looked_for() {
    let name = "stagegate-{ version }-{ target }";
    let cargo = read("Cargo.toml");
    assert!(cargo.contains(&format!("pkg-url = \"{{ repo }}/releases/download/v{{ version }}/{name}.tar.gz\"")));
    assert!(cargo.contains(&format!("bin-dir = \"{name}/{{ bin }}{{ binary-ext }}\"")));
    let installer = read("install.sh");
    assert!(installer.contains("name=stagegate-$version-$target\narchive=$name.tar.gz\n"));
    assert!(installer.contains("releases/download/v$version"));
    let repository = cargo.lines().find_map(|line| line.strip_prefix("repository = \"https://github.com/")).unwrap();
    let default = installer.lines().find_map(|line| line.strip_prefix("DEFAULT_REPOSITORY=")).unwrap();
    assert_eq!(default, repository.trim_end_matches('"'));
    let workflow = installer.lines().find_map(|line| line.strip_prefix("WORKFLOW=")).unwrap();
    let release = read(workflow);
    for target in TARGETS {
        assert!(release.contains(&format!("target: {target},")), "{target}");
    }
}

/// A step of the job that publishes, run in a folder with a `git` that knows these tags; what it wrote as outputs.
fn publish(step: &str, version: &str, folder: &Path, tags: &[&str]) -> (Output, String) {
    let release = yaml(&read(".github/workflows/release.yml"));
    let steps = release["jobs"]["publish"]["steps"].as_array().unwrap();
    let found = steps.iter().find(|one| one["name"] == step).unwrap_or_else(|| panic!("no step {step}"));
    let refs: String = tags.iter().map(|tag| format!("0123456789\trefs/tags/{tag}\n")).collect();
    std::fs::write(folder.join("refs"), refs).unwrap();
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    program(&folder.join("bin/git"), "#!/bin/sh\n[ -s refs ] && exec cat refs\nexit 128\n");
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
    let outputs = folder.join("outputs");
    let output = Command::new("bash")
        // As the runner starts a step that names no shell.
        .args(["-e", "-c", found["run"].as_str().unwrap()])
        .env("PATH", path)
        .env("VERSION", version)
        .env("GITHUB_OUTPUT", &outputs)
        .current_dir(folder)
        .output()
        .unwrap();
    (output, std::fs::read_to_string(outputs).unwrap_or_default())
}

#[test]
fn what_lies_beside_the_bill_of_materials_replaces_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    let write = |artifact: &str, name: &str, text: &str| {
        let folder = folder.path().join("made").join(artifact);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    };
    for target in TARGETS {
        write(target, &format!("stagegate-1.2.3-{target}.tar.gz"), target);
        write("sbom", &format!("stagegate-1.2.3-{target}.tar.gz"), "somebody else's");
    }
    write("sbom", "stagegate-1.2.3.cdx.json", "{}");
    write("sbom", "stagegate-extra", "somebody else's");
    let (output, _) = publish("Four archives and their checksums", "1.2.3", folder.path(), &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let dist = folder.path().join("dist");
    for target in TARGETS {
        assert_eq!(std::fs::read_to_string(dist.join(format!("stagegate-1.2.3-{target}.tar.gz"))).unwrap(), target);
    }
    assert_eq!(std::fs::read_dir(&dist).unwrap().count(), 6, "four, the bill of materials, the sums");
    assert_eq!(std::fs::read_to_string(dist.join("SHA256SUMS")).unwrap().lines().count(), 5);
    std::fs::remove_file(folder.path().join("made").join(TARGET).join(format!("stagegate-1.2.3-{TARGET}.tar.gz")))
        .unwrap();
    std::fs::remove_dir_all(dist).unwrap();
    let (output, _) = publish("Four archives and their checksums", "1.2.3", folder.path(), &[]);
    assert!(!output.status.success(), "one is missing");
}

#[test]
fn what_follows_the_newest_release_never_goes_back() {
    let all = ["v1", "v1.2.0", "v1.10.0", "v2.0.0-rc.1"];
    for (version, tags, greatest) in [
        ("1.10.1", &all[..], true),
        ("1.10.0", &all, true),
        ("1.9.9", &all, false),
        ("2.0.0", &all, true),
        ("2.0.0-rc.2", &all, false),
        ("0.1.0", &["v0.1.0"], true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (output, said) = publish("Is this the greatest version", version, folder.path(), tags);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said, format!("greatest={greatest}\n"), "{version}");
    }
    // Without an answer nothing is moved.
    let folder = tempfile::tempdir().unwrap();
    let (output, said) = publish("Is this the greatest version", "1.0.0", folder.path(), &[]);
    assert!(!output.status.success() && said.is_empty(), "{said}");
}
