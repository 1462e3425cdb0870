//! The archive of a release: what is in it, that it can be made again, and that it is found where it is looked for.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::files::{read, root};

const TARGET: &str = "x86_64-unknown-linux-musl";

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
    for target in
        ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"]
    {
        assert!(release.contains(&format!("target: {target},")), "{target}");
    }
}
