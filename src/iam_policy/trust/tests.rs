use super::*;
use crate::policy::glob;

const PURPOSES: [(&str, Purpose); 4] =
    [("read", Purpose::Read), ("rollback", Purpose::Rollback), ("promote", Purpose::Promote), ("gc", Purpose::Gc)];

fn repository(text: &str) -> Repository {
    text.parse().unwrap()
}

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

/// Whether IAM lets a token in: one statement whose conditions all hold.
fn admits(policy: &Value, audience: &str, sub: &str) -> bool {
    let any = |wanted: &Value, holds: &dyn Fn(&str) -> bool| match wanted {
        Value::String(one) => holds(one),
        many => many.as_array().unwrap().iter().any(|one| holds(one.as_str().unwrap())),
    };
    policy["Statement"].as_array().unwrap().iter().any(|statement| {
        statement["Condition"].as_object().unwrap().iter().all(|(operator, keys)| {
            keys.as_object().unwrap().iter().all(|(key, wanted)| {
                let text = match key.as_str() {
                    "token.actions.githubusercontent.com:aud" => audience,
                    "token.actions.githubusercontent.com:sub" => sub,
                    other => panic!("{other}"),
                };
                match operator.as_str() {
                    "StringEquals" => any(wanted, &|one| one == text),
                    "StringLike" => any(wanted, &|pattern| glob::matches(pattern, text)),
                    other => panic!("{other}"),
                }
            })
        })
    })
}

const STS: &str = "sts.amazonaws.com";

/// Every job of the workflows and what its token says, with whether a role for a purpose lets it in.
const JOBS: [(&str, [bool; 4]); 15] = [
    // promote.yml: plan on a published release and by hand, start, finish.
    ("ref:refs/tags/v2.8.0", [true, false, false, false]),
    ("ref:refs/heads/main", [true, true, false, false]),
    ("environment:production", [false, false, true, false]),
    ("environment:production-bake", [false, false, true, false]),
    // guard.yml, and a clean-up.
    ("environment:production-guard", [false, false, true, false]),
    ("environment:production-gc", [false, false, false, true]),
    // What nobody agreed to.
    ("pull_request", [false; 4]),
    ("ref:refs/heads/feature", [false; 4]),
    ("ref:refs/heads/main2", [false; 4]),
    ("ref:refs/heads/main/x", [false; 4]),
    ("ref:refs/pull/7/merge", [false; 4]),
    ("environment:production2", [false; 4]),
    ("environment:Production", [false; 4]),
    ("environment:staging", [false; 4]),
    ("ref:refs/heads/ref:refs/tags/v1", [false; 4]),
];

#[test]
fn a_role_lets_in_the_jobs_that_need_it_and_nobody_else() {
    for repository in [repository("acme/checkout"), repository("acme@65/checkout@74")] {
        for (at, (name, purpose)) in PURPOSES.iter().enumerate() {
            let policy = trust("aws", "123456789012", &repository, &Subject::usual(*purpose));
            for (job, wanted) in JOBS {
                let by_name = format!("repo:acme/checkout:{job}");
                assert_eq!(admits(&policy, STS, &by_name), wanted[at], "{name} {by_name}");
                assert!(!admits(&policy, "https://github.com/acme", &by_name), "{name} of another audience");
                let by_id = format!("repo:acme@65/checkout@74:{job}");
                assert_eq!(admits(&policy, STS, &by_id), wanted[at] && repository.has_ids(), "{name} {by_id}");
                for other in [
                    "acme/checkout2",
                    "acme2/checkout",
                    "ACME/checkout",
                    "evil/acme/checkout",
                    "acme@65/checkout@75",
                    "acme@66/checkout@74",
                    "acme@65/other@74",
                    "acme@65/checkout@74@1",
                    "acme@65/checkout",
                    "acme/checkout@74",
                    "acme/other:ref:refs/heads/repo:acme/checkout",
                ] {
                    assert!(!admits(&policy, STS, &format!("repo:{other}:{job}")), "{name} {other} {job}");
                }
            }
        }
    }
}

#[test]
fn what_has_a_wildcard_and_what_has_none_are_compared_apart() {
    let subjects = ["ref:refs/heads/main", "ref:refs/tags/v*", "environment:production"].map(subject);
    let policy = trust("aws", "123456789012", &repository("acme/checkout"), &subjects);
    for job in ["ref:refs/heads/main", "ref:refs/tags/v1.2", "environment:production"] {
        assert!(admits(&policy, STS, &format!("repo:acme/checkout:{job}")), "{job}");
    }
    assert!(!admits(&policy, STS, "repo:acme/checkout:ref:refs/tags/1.2"));
    let exact = trust("aws", "123456789012", &repository("acme/checkout"), &[subject("ref:refs/heads/main")]);
    assert_eq!(exact["Statement"].as_array().unwrap().len(), 1);
    assert!(!exact.to_string().contains("StringLike"));
}

#[test]
fn the_trust_policies() {
    for (name, purpose) in PURPOSES {
        let policy = trust("aws", "123456789012", &repository("acme@65/checkout@74"), &Subject::usual(purpose));
        insta::assert_json_snapshot!(name, policy);
        let longest = format!("{}@{}/{}@{}", "o".repeat(39), u32::MAX, "r".repeat(100), u32::MAX);
        let policy = trust("aws-us-gov", "123456789012", &repository(&longest), &Subject::usual(purpose));
        assert!(crate::iam_policy::characters(&policy) < TRUST_POLICY_CHARS_MAX, "{name}");
    }
}

#[test]
fn china_has_an_audience_and_a_provider_of_its_own() {
    let policy = trust("aws-cn", "123456789012", &repository("acme/checkout"), &Subject::usual(Purpose::Rollback));
    let sub = "repo:acme/checkout:ref:refs/heads/main";
    assert!(admits(&policy, "sts.amazonaws.com.cn", sub) && !admits(&policy, STS, sub));
    let provider = "arn:aws-cn:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
    assert_eq!(policy["Statement"][0]["Principal"]["Federated"], provider);
    assert_eq!(audience("aws-us-gov"), STS);
}

#[test]
fn a_repository_is_two_names_and_both_ids_or_none() {
    for text in ["acme/checkout", "acme@65/checkout@74", "octo_cat/a.b-c_d", "a/.github"] {
        assert_eq!(repository(text).to_string(), text);
    }
    assert_eq!(repository("acme@65/checkout@74").named(), "acme/checkout");
    for text in [
        "",
        "acme",
        "acme/",
        "/checkout",
        "acme/checkout/x",
        "acme/*",
        "*/*",
        "acme*/checkout",
        "acme/check out",
        "acme/..",
        "acme@65/checkout",
        "acme/checkout@74",
        "acme@*/checkout@*",
        "acme@065/checkout@74",
        "acme@0/checkout@74",
        "acme@x/checkout@y",
        "acme@+1/checkout@1",
        "acme/checkout:ref",
        "https://github.com/acme/checkout",
        "acme/${a}",
    ] {
        let refused = text.parse::<Repository>().unwrap_err();
        assert!(refused.contains("ORG/REPO") || refused.contains("no id"), "{text}: {refused}");
    }
}

#[test]
fn a_subject_names_a_job_and_no_other_repository() {
    for text in
        ["environment:staging", "environment:Prod EU", "ref:refs/heads/release/*", "ref:refs/tags/v*", "pull_request"]
    {
        assert_eq!(subject(text).to_string(), text);
    }
    for text in [
        "",
        "*",
        "**",
        "environment:",
        "ref:",
        "ref:*",
        "ref:refs/*",
        "ref:refs/heads/",
        "main",
        "staging",
        "repo:acme/checkout:ref:refs/heads/main",
        "environment:a:b",
        "environment:pro?",
        "environment:${x}",
        "environment:a\nb",
        "pull_request*",
        "environment:☃",
    ] {
        assert!(text.parse::<Subject>().is_err(), "{text}");
    }
}

#[test]
fn a_role_that_writes_trusts_nothing_that_anybody_who_may_push_can_name() {
    for text in [
        "pull_request",
        "environment:*",
        "environment:prod*",
        "ref:refs/heads/*",
        "ref:refs/tags/*",
        "ref:refs/heads/**",
    ] {
        for (name, purpose) in PURPOSES {
            assert_eq!(subject(text).check(purpose).is_ok(), purpose == Purpose::Read, "{name} {text}");
        }
    }
    for text in ["environment:staging", "ref:refs/heads/main", "ref:refs/heads/release/*", "ref:refs/tags/v*"] {
        assert_eq!(subject(text).check(Purpose::Promote), Ok(()), "{text}");
    }
    for (_, purpose) in PURPOSES {
        assert!(Subject::usual(purpose).iter().all(|subject| subject.check(purpose).is_ok()));
        assert!(Subject::usual(purpose).iter().all(|usual| &usual.to_string().parse::<Subject>().unwrap() == usual));
    }
}
