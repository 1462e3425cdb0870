//! What a role is made of: its policy as ever, and with `--github-oidc` who may take it.

use serde_json::Value;

use super::Desk;

const PROD: &str = "--target prod --account 123456789012 --region us-east-1";

fn document(desk: &Desk, line: &str) -> Value {
    let output = desk.command(line, &[]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn both_policies_stand_in_one_document_and_each_alone_is_what_the_aws_cli_takes() {
    let desk = Desk::new();
    for purpose in ["read", "rollback", "promote", "gc"] {
        let line = format!("iam-policy {purpose} {PROD}");
        let plain = document(&desk, &line);
        assert_eq!(plain["Version"], "2012-10-17", "without the flag it is the policy itself");
        let line = format!("{line} --github-oidc acme@65/checkout@74");
        let both = document(&desk, &line);
        assert_eq!((&both["schema"], &both["policy"]), (&"stagegate.role/1.0".into(), &plain));
        assert_eq!(document(&desk, &format!("{line} --only policy")), plain);
        assert_eq!(document(&desk, &format!("{line} --only trust")), both["trust"]);
        assert!(both["trust"]["Statement"][0]["Principal"]["Federated"].as_str().unwrap().contains(":123456789012:"));
    }
    insta::assert_snapshot!(
        "role",
        desk.run(&format!("iam-policy rollback {PROD} --github-oidc acme@65/checkout@74"), &[])
    );
}

#[test]
fn one_role_may_be_for_several_targets_of_one_account() {
    let desk = Desk::new();
    let both = document(&desk, &format!("iam-policy rollback {PROD} --target stock:live"));
    let shown = both.to_string();
    for function in ["checkout-api", "stock"] {
        let alias = format!("arn:aws:lambda:us-east-1:123456789012:function:{function}\"");
        assert!(shown.contains(&alias), "{function}: {shown}");
    }
    assert_eq!(
        document(&desk, &format!("iam-policy rollback {PROD} --target prod")),
        document(&desk, &format!("iam-policy rollback {PROD}"))
    );
}

#[test]
fn without_ids_the_name_is_trusted_and_it_is_said_how_to_get_the_ids() {
    let desk = Desk::new();
    let line = format!("iam-policy promote {PROD} --github-oidc acme/checkout --only trust");
    insta::assert_snapshot!("trust_by_name", desk.run(&line, &[]));
    let quiet = desk.run(&format!("{line} --quiet"), &[]);
    assert!(quiet.contains("gh api repos/acme/checkout") && !quiet.contains("create-role"), "{quiet}");
    let china = "iam-policy rollback --target prod --account 123456789012 --region cn-north-1 --github-oidc acme@65/checkout@74";
    let shown = desk.run(china, &[]);
    assert!(shown.contains("\"arn:aws-cn:iam::123456789012:oidc-provider/"), "{shown}");
    assert!(shown.contains("--client-id-list sts.amazonaws.com.cn\n"), "{shown}");
}

#[test]
fn other_jobs_are_trusted_in_place_of_the_usual_ones() {
    let desk = Desk::new();
    let line = format!("iam-policy promote {PROD} --github-oidc acme/checkout --only trust");
    let trust = document(&desk, &format!("{line} --subject environment:staging --subject ref:refs/heads/release/*"));
    let shown = trust.to_string();
    assert!(shown.contains("repo:acme/checkout:environment:staging"), "{shown}");
    assert!(shown.contains("repo:acme/checkout:ref:refs/heads/release/*"), "{shown}");
    assert!(!shown.contains("production"), "{shown}");
    for subject in ["pull_request", "environment:*", "ref:refs/heads/*"] {
        let refused = desk.run(&format!("{line} --subject {subject}"), &[]);
        let said = refused.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("exit 2 --- stderr error[SG-U05]"), "{refused}");
        assert!(said.contains("only a role that reads may trust it"), "{refused}");
        let read = line.replace("promote", "read");
        assert!(desk.run(&format!("{read} --subject {subject}"), &[]).contains("exit 0"), "{subject}");
    }
    insta::assert_snapshot!("subject_refused", desk.run(&format!("{line} --subject pull_request"), &[]));
}

#[test]
fn what_is_no_repository_and_no_subject_is_a_slip_of_the_pen() {
    let desk = Desk::new();
    for flags in [
        "--github-oidc acme",
        "--github-oidc acme/*",
        "--github-oidc acme@65/checkout",
        "--github-oidc https://github.com/acme/checkout",
        "--github-oidc acme/checkout --subject *",
        "--github-oidc acme/checkout --subject repo:acme/checkout:pull_request",
        "--github-oidc acme/checkout --only both",
        "--subject environment:production",
        "--only trust",
    ] {
        let shown = desk.run(&format!("iam-policy promote {PROD} {flags}"), &[]);
        assert!(shown.contains("exit 2\n") && !shown.contains("--- stdout"), "{shown}");
    }
    insta::assert_snapshot!("no_repository", desk.run(&format!("iam-policy read {PROD} --github-oidc acme"), &[]));
}

#[test]
fn the_jobs_that_are_trusted_are_those_that_help_and_readme_name() {
    let desk = Desk::new();
    let help = desk.run("iam-policy -h", &[]);
    let readme = include_str!("../../../README.md");
    for (purpose, shown) in [
        ("read", "branch main, every tag"),
        ("rollback", "branch main"),
        ("promote", "environments production, production-bake, production-guard"),
        ("gc", "environment production-gc"),
    ] {
        let trust = document(&desk, &format!("iam-policy {purpose} {PROD} --github-oidc acme/checkout --only trust"));
        let subjects = trust["Statement"].as_array().unwrap().iter().flat_map(|statement| {
            let operators = statement["Condition"].as_object().unwrap().values();
            let of = |keys: &Value| keys.get("token.actions.githubusercontent.com:sub").cloned();
            operators.filter_map(of).collect::<Vec<_>>()
        });
        let names: Vec<String> = subjects
            .flat_map(|sub| sub.as_array().cloned().unwrap_or_else(|| vec![sub]))
            .map(|sub| sub.as_str().unwrap().rsplit([':', '/']).next().unwrap().replace('*', "every tag"))
            .collect();
        let kind = shown.split(' ').next().unwrap();
        assert_eq!(format!("{kind} {}", names.join(", ")), shown);
        assert!(help.contains(&format!("\n  {purpose:<9} {shown}\n")), "{help}");
        let told = names.iter().map(|name| if name == "every tag" { name.clone() } else { format!("`{name}`") });
        let line = format!("* {purpose}: {kind} {}.", told.collect::<Vec<_>>().join(", "));
        assert!(readme.contains(&line), "{line}");
    }
}
