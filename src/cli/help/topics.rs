//! The topics of `help`. What a table says elsewhere is taken from there.

use super::block::Block::{Command, Head, Row};
use super::block::{Block, row, text};
use super::environment;
use crate::gc;
use crate::model::Target;
use crate::problem::Exit;

/// What `help` knows besides commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What the exit code says.
    ExitCodes,
    /// Which variables count.
    Environment,
    /// What TARGET can be, and what the file says about it.
    Targets,
    /// Canaries that take longer than a job or a session.
    LongBakes,
    /// What a signal does.
    Interrupts,
    /// From the symptom to the command.
    Runbook,
}

/// The topics by name.
const ALL: [(&str, Topic); 6] = [
    ("exit-codes", Topic::ExitCodes),
    ("environment", Topic::Environment),
    ("targets", Topic::Targets),
    ("long-bakes", Topic::LongBakes),
    ("interrupts", Topic::Interrupts),
    ("runbook", Topic::Runbook),
];

/// Their names, in order.
pub fn topics() -> impl Iterator<Item = &'static str> + Clone {
    ALL.iter().map(|(name, _)| *name)
}

impl Topic {
    /// The topic of this name.
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, topic)| *topic)
    }

    /// What it says.
    pub fn blocks(self) -> Vec<Block> {
        match self {
            Self::ExitCodes => exit_codes(),
            Self::Environment => environment::blocks(),
            Self::Targets => targets(),
            Self::LongBakes => LONG_BAKES.to_vec(),
            Self::Interrupts => interrupts(),
            Self::Runbook => RUNBOOK.to_vec(),
        }
    }
}

fn exit_codes() -> Vec<Block> {
    let mut blocks = vec![Head("Exit codes"), text("The code says what AWS is, not what went wrong.")];
    blocks.extend(Exit::ALL.map(|exit| Row(exit.code().to_string().into(), exit.meaning().into())));
    blocks.extend([
        text(
            "Where two apply, 6 beats 7, 7 beats 5, and 5 beats the rest. Publishing is a write: once anything was written \
             and all of it is read back as it was before, a run that failed or was interrupted exits with 5, whatever the \
             cause. rollback and resume --undo that succeed exit with 0. A hold never turns into a promotion or a rollback \
             by time.",
        ),
        text("Every message that is not success names its own code, such as SG-A02:"),
        Command("stagegate explain SG-A02", "what it means, and what the process exits with"),
    ]);
    blocks
}

fn targets() -> Vec<Block> {
    let settle =
        format!("permission_settle is {} s where nothing says otherwise.", Target::PERMISSION_SETTLE.as_secs());
    let keep = format!("publish.keep is {}.", gc::KEEP);
    let mut blocks = TARGETS.to_vec();
    blocks.push(Block::Text(format!("{settle} {keep}").into()));
    blocks.extend([
        Command("stagegate schema config", "all keys, what each does, and what it may hold; editors read it, too"),
        Command("stagegate verify", "whether the file, the permissions and the functions are in order"),
    ]);
    blocks
}

const TARGETS: &[Block] = &[
    Head("TARGET, everywhere"),
    row("prod", "a [target.prod] of stagegate.toml, here or in a folder above"),
    row("checkout-api:live", "one alias of one function; or its ARN"),
    row("a1b2c3d4e5/prod", "a stage of a REST or HTTP API; 'a1b2c3d4e5/$default' of an HTTP API, in quotes"),
    row(
        "https://api.example.com/checkout",
        "whatever stage answers it: custom domains, mappings and rules are followed",
    ),
    text(
        "Only the first needs a file. rollback, status and doctor find everything else in AWS. A stage or URL says where, \
         and not which of its functions are meant: to promote, name the alias or write a target.",
    ),
    Head("The file"),
    Command("stagegate init https://api.example.com/checkout", "writes it from what is live, with every key explained"),
    text(
        "A target is its functions, one alias of theirs, and the stage that calls it. Several functions are promoted, \
         judged and rolled back as one. [defaults] holds keys for all targets; a target's own win. An unknown key is an \
         error, so that a slip of the pen turns no safeguard off.",
    ),
    Head("How the stage finds the alias"),
    text(
        "Integrations name FUNCTION:${stageVariables.NAME}, and the stage's variable NAME holds the alias: then \
         alias_variable = \"NAME\". One API serves several stages that way, each by an alias of its own. An integration \
         that names the function alone runs $LATEST, and no release changes what it runs.",
    ),
    Head("Protected targets"),
    text(
        "protected = true: a promotion asks for the target's name to be typed, or for --confirm NAME; --yes alone is \
         refused. It holds for the alias and the stage by whatever name they are reached. A rollback never asks for it.",
    ),
    Head("Canaries"),
    text(
        "[target.NAME.canary] shifts traffic step by step, [target.NAME.gate] judges each step: nothing goes on without \
         proof, and no data is no proof.",
    ),
    Head("Where nothing is said"),
];

const LONG_BAKES: &[Block] = &[
    Head("Canaries that outlive a session or a job"),
    text(
        "Waiting needs no process. Which steps a canary has had stands in the alias, and the gate judges from CloudWatch's \
         history, so a bake of two hours is two short runs, from any machine that has the file.",
    ),
    Head("In two runs"),
    Command("stagegate promote prod --confirm prod --until canary:5%", "stops at 5 %, exit 0"),
    Command("stagegate resume prod", "later, anywhere: judges all that happened since, then goes on"),
    Command("stagegate resume prod --finish", "or: all traffic at once, unless the gate finds the new version worse"),
    Head("By a schedule, such as cron"),
    Command(
        "stagegate resume prod --once --if-in-flight",
        "one look, at most one act; exit 8 while it bakes; never past a pause",
    ),
    Head("Credentials"),
    text(
        "Before the first write the plan is compared with the end of the credentials, where that is known; what would \
         outlive them is refused (SG-C01), with the share at which it can be split. A release without credentials can \
         neither go on nor go back: five minutes before the end of credentials that are not renewed after all, a canary \
         is no longer waited for, and goes back or is held as on.interrupt says.",
    ),
    row(
        "renewed by themselves",
        "--assume-role (role-to-assume of the Action), SSO, roles in a profile, web identity: nothing to do",
    ),
    row(
        "keys in the environment",
        "end when they end: GitHub's role sessions after 1 h unless role-duration-seconds says more",
    ),
    row("chained roles", "1 h at most"),
    text(
        "Say when they end: AWS_CREDENTIAL_EXPIRATION. Without it, keys with AWS_SESSION_TOKEN are taken to last 1 h from the start of the command.",
    ),
    Head("What is it doing?"),
    Command("stagegate status prod", "shares, the step, and the commands that go on and back"),
];

fn interrupts() -> Vec<Block> {
    let mut blocks = vec![
        Head("Signals"),
        text(
            "Before the first write a signal ends the command at once and nothing is changed. From then on it is heard \
             between two calls: a call that is under way is finished and looked at.",
        ),
    ];
    blocks.extend(
        [Exit::Interrupted, Exit::Terminated]
            .map(|exit| Row(format!("exit {}", exit.code()).into(), exit.meaning().into())),
    );
    blocks.extend(INTERRUPTS.iter().cloned());
    blocks
}

const INTERRUPTS: &[Block] = &[
    Head("At a terminal, from the first write on"),
    row("Ctrl-C", "holds and asks: roll back, go on or leave; no answer within --prompt-timeout (60 s): as set below"),
    row("Ctrl-C twice", "leaves everything as it is: exit 6, with the commands that go back and on"),
    row("p", "pauses: the record of the alias says so, from any machine; waits until somebody answers"),
    row("r", "asks, then rolls back and marks the version bad; no answer: goes on as planned"),
    row("f", "asks, then leaves out the rest of the steps; no answer: goes on as planned"),
    text(
        "The keys are for the panel of a canary. With --progress plain or STAGEGATE_ACCESSIBLE=1 they are typed with Enter, \
         as numbers are that answer a question. --yes and --confirm leave both, keys and Ctrl-C.",
    ),
    Head("SIGTERM and SIGHUP, and Ctrl-C without a terminal, from the first write on"),
    row("rollback", "what serves is put back at once: exit 5 when it is read back (the default)"),
    row("hold", "everything stays as it is, and the commands that go on and back are printed"),
    text(
        "Which of them, says --on-interrupt, then STAGEGATE_ON_INTERRUPT, then [target.NAME.on] interrupt. A second \
         signal of the same kind while it goes back ends the attempts to write: exit 6, with what is true then.",
    ),
    Head("Killed, or the machine is gone"),
    text(
        "kill -9, a lost runner, a closed lid: shares and stage stay as they are, and the record in the alias names the \
         release. Any signed-in machine sees it, goes on with it, or goes back.",
    ),
    Command("stagegate status prod", "what serves, and what is unfinished"),
    Command("stagegate resume prod", "goes on; from another machine once the run before is dead"),
    Command("stagegate resume prod --undo", "undoes what it did, and marks no version bad"),
    Command("stagegate rollback prod", "the version that served before; needs no lock and no journal"),
    Head("In a job that may be cancelled"),
    text(
        "Let the tool be the first process of its step (exec), for a runner signals only that one; and let a last step run \
         `stagegate settle prod`, which applies the same setting to whatever the job left unfinished.",
    ),
];

const RUNBOOK: &[Block] = &[
    Head("Clients get errors since a release"),
    Command(
        "stagegate rollback checkout-api:live",
        "back to what served before; Enter agrees, --yes without a terminal",
    ),
    Command("stagegate rollback https://api.example.com/checkout", "the same, found by the URL; stage included"),
    Command("stagegate rollback checkout-api:live --to 41", "to a version of your choice"),
    Head("Back again, after a rollback by mistake"),
    Command("stagegate rollback checkout-api:live --to 42", "42: the version that was rolled back from"),
    Head("Somebody else's release hangs, or its job died"),
    Command("stagegate status prod", "who, since when, at which share"),
    Command("stagegate resume prod", "go on with it"),
    Command("stagegate rollback prod", "or back; this never waits for a lock"),
    Head("The canary does not go on"),
    Command("stagegate status prod", "what the gate waits for"),
    Command("stagegate resume prod --finish", "all traffic at once, unless the new version is found worse"),
    Command("stagegate rollback prod", "or back"),
    Command("stagegate promote prod --override-gate REASON", "in the next release: the gate advises and holds nothing"),
    Head("One URL does not do what was deployed"),
    Command(
        "stagegate doctor https://api.example.com/checkout",
        "which stage answers, what it serves, what it may call",
    ),
    Command(
        "stagegate doctor https://api.example.com/checkout --retest",
        "the same, with 20 requests that are counted",
    ),
    Head("500 and nothing in the function's log"),
    Command("stagegate permission list a1b2c3d4e5/prod", "routes that API Gateway may not call the alias for"),
    Command("stagegate permission grant a1b2c3d4e5/prod", "lets them in"),
    Head("403 Missing Authentication Token, or a route that is missing"),
    Command("stagegate redeploy a1b2c3d4e5/prod", "the stage serves a snapshot: shows what it lacks, then deploys it"),
    Head("Part of the traffic goes somewhere, and no release is in flight"),
    Command("stagegate canary clear checkout-api:live", "all to the alias's own version"),
    Command("stagegate canary clear a1b2c3d4e5/prod", "the same for the canary of a stage"),
    Head("Stages differ and should not"),
    Command("stagegate drift", "every target against what is live and what the file says"),
    Command("stagegate diff a1b2c3d4e5/dev a1b2c3d4e5/prod", "two stages side by side"),
    Head("stagegate is not at hand"),
    text("The alias alone, with the AWS CLI; 41 is the version to go back to:"),
    Command(
        "aws lambda update-alias --function-name checkout-api --name live --function-version 41 --routing-config AdditionalVersionWeights={}",
        "clears the weights, too",
    ),
    text(
        "Which version that is stands in the alias's description: [sg1 … 41>42 …] is a release from v41 to v42, and d=… the \
         deployment that its stage served before.",
    ),
    Command("aws lambda get-alias --function-name checkout-api --name live", "shows it"),
];
