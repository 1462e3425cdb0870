//! What people and programs see.

use stagegate::report::gc_text::{GcDocument, counts, ending, screen};

use super::*;

#[test]
fn the_screen_and_the_document_name_what_goes_and_why_the_rest_stays() {
    let lab = after_releases(Scenario::Second, 6);
    lab.world.edit(|account| account.put_alias(&orders(), &"beta".parse().unwrap(), 3, &[(4, 0.1)])).unwrap();
    let rules = Rules { keep: 2, ..rules(&lab, 2) };
    let (_, sweep) = look(&lab, &rules).unwrap();
    let document = GcDocument::new("prod", "us-east-1", &sweep, &rules, "stagegate gc prod --keep 2 --yes".into());
    for width in [88, 60] {
        let text = format!("{}{}", screen(&document, width), ending(&document, width));
        let long = text.lines().filter(|line| line.chars().count() > width).count();
        assert_eq!(long, 0, "{text}");
        insta::assert_snapshot!(format!("screen_{width}"), text);
    }
    insta::assert_json_snapshot!("document", document);
}

#[test]
fn nothing_to_delete_is_said_and_everything_is_counted() {
    let lab = Lab::new(Scenario::Second);
    let rules = rules(&lab, 10);
    let (_, sweep) = look(&lab, &rules).unwrap();
    let document = GcDocument::new("prod", "us-east-1", &sweep, &rules, "stagegate gc prod --yes".into());
    assert_eq!(ending(&document, 88), "\nNothing would be deleted.\n");
    assert_eq!(counts(sweep.stays()), "1 version (1.0 MB) and 1 deployment");
}
