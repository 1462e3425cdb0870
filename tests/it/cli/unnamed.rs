//! A command that names no target, where nobody can be asked.

use super::Desk;

const ONLY: &str = "schema = 1\n[target.prod]\nfunctions = [\"checkout-api\"]\nalias = \"live\"\n";

#[test]
fn without_a_terminal_what_is_promoted_must_be_named() {
    let desk = Desk::new();
    let mut shown = String::new();
    shown.push_str(&desk.run("promote --function-version 40 --until canary:5% --yes", &[]));
    shown.push_str(&desk.run("status", &[]));
    std::fs::write(desk.work().join("stagegate.toml"), ONLY).unwrap();
    shown.push_str(&desk.run("promote --yes", &[]));
    shown.push_str(&desk.run("rollback --to 40", &[]));
    std::fs::remove_file(desk.work().join("stagegate.toml")).unwrap();
    shown.push_str(&desk.run("promote --yes", &[]));
    insta::assert_snapshot!(shown);
}

#[test]
fn what_only_looks_takes_the_only_target_and_says_so() {
    let desk = Desk::new();
    std::fs::write(desk.work().join("stagegate.toml"), ONLY).unwrap();
    for line in ["plan", "status", "history"] {
        let said = desk.run(line, &[]);
        assert!(said.contains("target prod, the only one of stagegate.toml"), "{said}");
        assert!(!said.contains("SG-U07"), "{said}");
    }
    for line in ["promote", "resume", "pause", "rollback"] {
        let said = desk.run(line, &[]);
        assert!(said.contains("exit 2") && said.contains(&format!("stagegate {line} prod")), "{said}");
    }
    for line in ["promote --yes", "rollback --yes"] {
        let said = desk.command(line, &[]).arg("").output().unwrap();
        assert_eq!(said.status.code(), Some(2), "an empty name is none: {line}");
    }
}
