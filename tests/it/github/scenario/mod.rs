//! The Action on a stand-in runner, against the emulator: what a job shows and tells, and what AWS is afterwards.

mod cancelled;
mod credentials;
mod gate;
mod good;
mod hung;
mod injection;
mod lost;
mod site;

use crate::emulator::canary::together;

#[test]
fn jobs_are_carried_out_cancelled_and_lost() {
    together(&[
        ("good, then nothing to do", good::promoted_then_nothing_to_do),
        ("cancelled while reading", cancelled::before_the_first_write),
        ("cancelled while baking", cancelled::while_baking),
        ("cancelled while baking, on hold", cancelled::while_baking_on_hold),
        ("cancelled tick", cancelled::a_tick_that_only_looks),
        ("cancelled while installing", cancelled::before_the_program_ran),
        ("hung write that lands", hung::a_write_whose_answer_never_comes),
        ("hung write that lands late", hung::a_write_that_lands_after_everything),
        ("killed", hung::killed_while_the_job_goes_on),
        ("lost", lost::found_by_guard_status_and_rollback),
        ("gate", gate::failed),
        ("smoke", gate::smoke_failed),
    ]);
}

#[test]
fn jobs_take_roles_and_keep_them() {
    together(&[
        ("renewed", credentials::renewed),
        ("not renewed", credentials::not_renewed_goes_back_in_time),
        ("refused", credentials::refused),
        ("no token", credentials::no_token),
        ("settled", credentials::settled),
    ]);
}

#[test]
fn nothing_that_people_write_becomes_a_command_of_the_runner() {
    together(&[
        ("texts of a release", injection::texts_of_a_release),
        ("texts of a failure", injection::texts_of_a_failure),
        ("texts of a configuration", injection::texts_of_a_configuration),
    ]);
}
