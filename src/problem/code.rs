//! Every problem code: one table holds its text, level, usual exit code, title and explanation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Exit, Level};

/// A text that is no problem code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a problem code; they look like SG-K01")]
pub struct UnknownCode(pub String);

macro_rules! codes {
    ($($name:ident $text:literal $level:ident $exit:ident $title:literal $explanation:literal;)*) => {
        /// Which problem it is. Printed and read as `SG-K01`; a code never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code without its prefix, such as `K01`.
            pub const fn short(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How much the problem usually matters.
            pub const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }

            /// What the process usually exits with. The same cause after a write exits with what AWS is then.
            pub const fn exit(self) -> Exit {
                match self { $(Self::$name => Exit::$exit,)* }
            }

            /// One line, without names and numbers.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What `explain` says beyond the title.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation,)* }
            }
        }
    };
}

codes! {
    // Configuration
    UnknownKey "K01" Error Usage
        "the configuration has a key that does not exist"
        "The configuration file is read strictly: a key that nothing acts on is refused, so that a spelling mistake never turns a safeguard off.";
    WrongType "K02" Error Usage
        "a configuration value has the wrong type"
        "The value is a text, number, list or table where another kind is expected. Names, accounts and versions are texts and stand in quotes.";
    BadValue "K03" Error Usage
        "a configuration value is not allowed"
        "The value has the right type and breaks a rule of AWS or of stagegate: a name with characters that AWS refuses, an alias of digits only, a time out of range.";
    MissingKey "K04" Error Usage
        "a required configuration key is missing"
        "A target needs at least `functions` and `alias`, in its own table or in [defaults].";
    UnsupportedSchema "K05" Error Usage
        "the configuration does not name a schema version that this stagegate reads"
        "The first key of the file is `schema = 1`. Another number belongs to another release of stagegate, which may read the same keys differently.";
    FileUnreadable "K06" Error Usage
        "a configuration file cannot be read"
        "The file named with --config, or the stagegate.toml found in the working directory or above it, cannot be opened or is not UTF-8 text.";
    Unsupported "K07" Error Usage
        "the configuration asks for something that this version does not do"
        "The setting is known and this version does not act on it for this target. It is refused instead of being ignored.";
    UnknownTarget "K08" Error Usage
        "the configuration has no target of this name"
        "A bare word as TARGET is the name of a [target.NAME] table. Without a file, write FUNCTION:ALIAS or API/STAGE.";
    Syntax "K09" Error Usage
        "the configuration is not valid TOML"
        "The file breaks the grammar of TOML at the place shown; nothing in it was used.";
    Contradiction "K10" Error Usage
        "two configuration values contradict each other"
        "Each value is fine alone and both together cannot be meant: `stages` beside `api`, a function named twice, a source with other functions.";
    SmokePayload "K11" Error Usage
        "the event of a smoke check cannot be used"
        "`invoke` names a file beside the configuration file. It holds one JSON document of at most 6 MB, the limit of a synchronous Invoke.";
    NoConfigFile "K12" Error Usage
        "a target name was given and there is no configuration file"
        "Names are looked up in stagegate.toml, in the working directory and above it. FUNCTION:ALIAS, API/STAGE and the URL of an API work without a file.";
    TriggerFile "K15" Error Usage
        "a file that triggers a redeployment cannot be read"
        "`redeploy.files` names files beside the configuration file, at most 10, without patterns. Only their digest is kept; a file that is missing would never trigger anything, so it is an error.";
    FileUnwritable "K16" Error Usage
        "a file cannot be written"
        "The place is not there, or not yours to write to. What was there before is as it was: a file is written beside it and then takes its place.";
    AlreadySetUp "K17" Error Usage
        "there is a configuration already"
        "`init` never replaces what somebody has written, unless --force says so. A target of a new name is added at the end of the file; all else in it stays as it is, byte for byte.";
    // Usage
    ConfirmationMissing "U01" Error Usage
        "a confirmation is needed and there is no terminal to ask"
        "Without a terminal nothing is assumed. A plain target needs --yes, a protected one needs --confirm with its name.";
    AmbiguousTarget "U02" Error Usage
        "the target can mean more than one thing"
        "More than one function, alias or stage fits. Name the one that is meant: FUNCTION:ALIAS or API/STAGE.";
    UnknownPlace "U03" Error Usage
        "the target cannot be read"
        "TARGET is a name of the configuration file, FUNCTION:ALIAS, the ARN of an alias, API/STAGE, or a URL of API Gateway.";
    UnresolvedUrl "U04" Error Usage
        "the URL cannot be resolved to an API stage"
        "The URL https://API.execute-api.REGION.amazonaws.com/STAGE says itself which stage answers; of any other host name, API Gateway is asked for its custom domain names, mappings and routing rules in this account and region. Where that does not tell, name the stage or the alias.";
    BadOption "U05" Error Usage
        "a flag or environment variable has a value that cannot be used"
        "Flags win over STAGEGATE_ variables, those over the configuration file, and that over AWS_ variables. The message names where the value comes from.";
    GateInput "U06" Error Usage
        "a rollout cannot be read by the gate"
        "`gate judge` and `gate replay` read one JSON object per line: a start line, then a line per minute and function. Nothing is guessed: the line and the field that cannot be used are named.";
    BadArguments "U07" Error Usage
        "the command line cannot be read"
        "A command, flag or value that does not exist or is missing. `stagegate help COMMAND` shows what there is.";
    NothingToRelease "U08" Error Usage
        "nothing there calls a function that a release could move"
        "`init` looks for Lambda functions behind the stage: in the integrations of its routes and in its authorizers. Mocks, HTTP backends and other AWS services have no versions and no alias.";
    // Credentials
    ShortCredentials "C01" Error Access
        "the credentials end before the plan does"
        "A release that outlives its credentials cannot roll itself back, so it is refused before the first write. One that runs when they turn out not to be renewed stops five minutes before their end and does what on.interrupt says.";
    ExpiredCredentials "C02" Error InBetween
        "the credentials have expired"
        "Nothing more can be read or written from here. The way back stands in the alias and works from any signed-in machine.";
    WrongAccount "C03" Error Access
        "the credentials belong to another account"
        "The account of the credentials is compared with the expected one before anything else is called.";
    NoCredentials "C04" Error Access
        "there are no usable credentials"
        "No credentials were found, those found are expired or refused, or a role could not be assumed. Nothing was sent with them but that.";
    AccessDenied "C05" Error Access
        "AWS denied a call"
        "The role lacks a permission, or a policy denies it. `stagegate iam-policy promote --target TARGET` prints the least that a release needs; read, rollback and gc need less.";
    RegionMissing "C06" Error Usage
        "the region is missing or contradicts the target"
        "The region comes from the target's own ARN or URL, --region, STAGEGATE_REGION, the configuration file or AWS_REGION, in this order.";
    // Publishing
    NothingToPublish "P01" Note Done
        "nothing to publish, $LATEST is the same as the newest version"
        "Lambda creates no version while code and configuration are unchanged.";
    LatestChanged "P02" Error Conflict
        "$LATEST changed between plan and publish"
        "Publishing is tied to the planned code hash and revision, so another upload cannot slip in. Plan again and look at what is new.";
    FunctionUpdating "P03" Error Failed
        "an update of the function does not finish"
        "A function whose last update is in progress or failed cannot be published. The wait for it has a bound.";
    VersionNotActive "P04" Error Failed
        "the version does not become active"
        "A new version is waited for until its state is Active. A version that failed, or is still pending at the bound, gets no traffic.";
    FunctionMissing "P05" Error Usage
        "the function does not exist"
        "Lambda knows no function of this name in this account and region.";
    VersionMissing "P06" Error Usage
        "the version does not exist"
        "The function has no version of this number; it may have been deleted.";
    VersionBad "P07" Error Usage
        "the version is marked bad"
        "It failed its smoke check or its gate, or a person rolled back from it. Naming it with --function-version promotes it nevertheless and clears the mark.";
    EdgeFunction "P08" Error Usage
        "the function is a Lambda@Edge replica"
        "A replica is managed by CloudFront and cannot be promoted through an alias.";
    CodeByReference "P09" Warning Done
        "the version lives only as long as its S3 object"
        "The function keeps its code by reference. When the object is deleted the version cannot run, and neither can a rollback to it.";
    PlanStale "P10" Error Conflict
        "AWS is no longer what the approved plan read"
        "Something that the plan was made from has changed, so the plan is refused as a whole. Plan again and have it approved again.";
    // Alias
    RolesDiffer "A01" Note Done
        "the two versions differ in execution role or dead-letter setup"
        "Lambda splits the traffic of an alias only between versions with one role and one dead-letter setup. Moving all traffic at once works.";
    AliasChanged "A02" Error InBetween
        "somebody else changed the alias during the release"
        "The alias is not what this release left. It is not overwritten.";
    ForeignWeights "A03" Error Conflict
        "the alias already splits traffic, and not for stagegate"
        "Two versions share the alias without a record of stagegate. Whoever started that finishes it, or one of the versions is chosen by hand.";
    ProvisionedFailed "A04" Error RolledBack
        "provisioned concurrency did not follow the alias"
        "With provisioned concurrency a move is done when the weights are empty and the status is READY. It failed or took longer than the bound.";
    RecordTooLong "A05" Error Usage
        "the alias description has no room for the record"
        "AWS allows 256 characters. The text that stands there is yours and is never shortened; the message says how many characters to cut.";
    AliasMissing "A06" Error Usage
        "the alias does not exist"
        "The function has no alias of this name in this account and region. For a first promotion that is normal: it is created.";
    NoStableVersion "A07" Note Done
        "there is no version to compare with or to go back to"
        "The alias is missing or points to $LATEST. The promotion runs without a canary, and afterwards there is no numbered version to return to.";
    CodeDeployActive "A08" Error Conflict
        "CodeDeploy is moving this alias"
        "A CodeDeploy deployment on the alias is in flight. It would overwrite every change made here.";
    AliasKept "A09" Warning Done
        "an alias that this release created stays"
        "Another stage, or a statement of somebody else, refers to it by now. Deleting it would break them.";
    CannotSplit "A10" Error Usage
        "the two versions cannot share the alias"
        "Lambda splits the traffic of an alias only between versions with one execution role and one dead-letter setup. Move all traffic at once, or shift by the stage.";
    CandidateAliasTaken "A11" Error Conflict
        "the alias that a stage canary would use is somebody else's"
        "A canary of the stage calls the new version through an alias named after the promoted one with -canary behind it. One that carries no record of stagegate is not touched.";
    // Who else writes
    RevertedElsewhere "O01" Warning Done
        "another tool takes the release back with its next update"
        "Alias or stage stand in a template or configuration, which still names what was there before. The tool is told to leave them alone, or they are taken out of it: `stagegate verify TARGET` prints how. `managed_by` says which tool it is where AWS does not show it, and \"none\" says that the tool was told.";
    OwnerUnseen "O02" Note Done
        "who else moves the alias could not be looked at"
        "CodeDeploy's deployments, the stacks of CloudFormation and the tags of functions are looked at before a release, and no release depends on it. The statement Optional of `stagegate iam-policy promote --target TARGET` allows it.";
    // API Gateway and permissions
    InvokeBlocked "G01" Error Failed
        "API Gateway may not invoke the alias"
        "An alias has a resource policy of its own. A Deny, or a condition that cannot be proved to hold, stands against the call, and adding a statement does not help. `stagegate permission list TARGET` shows every route with the statement that lets it in or stands against it; `stagegate permission grant TARGET` lets in what is merely missing.";
    DeploymentThrottled "G02" Warning Failed
        "API Gateway allows one CreateDeployment per 5 s for the whole account"
        "Other pipelines deploy at the same time. The call is repeated up to a bound; a rollback never needs it.";
    UnqualifiedIntegration "G03" Error Failed
        "an integration calls the function without its alias"
        "Requests on that route run $LATEST, whatever the alias says. Give the integration's function ARN the alias, or a stage variable that holds it.";
    StageVariableUnset "G04" Error Failed
        "an integration uses a stage variable that the stage does not set"
        "API Gateway puts an empty text in its place, and the call fails with a 500 at run time.";
    PolicyTooLarge "G05" Error Failed
        "the resource policy has no room for another statement"
        "Lambda allows 20 480 bytes per policy, some fifty statements. `stagegate permission grant TARGET` merges statements for single routes into one for the whole stage before it is full, and removes only what others cover; `stagegate permission prune TARGET` removes those of stagegate for stages that are gone, and with --foreign those of others that the rest covers.";
    StageMissing "G06" Error Usage
        "the API or stage does not exist"
        "API Gateway knows no such API or stage in this account and region.";
    StaleStageCanary "G07" Error Conflict
        "the stage has a canary that nobody is running"
        "A part of the requests gets another deployment. Whoever left it there promotes or removes it first.";
    StageChanged "G08" Error InBetween
        "somebody else changed the stage during the release"
        "The stage is not what this release left, so it is not overwritten. The alias is dealt with on its own.";
    ApiKindUnsupported "G09" Error Usage
        "this kind of API is not supported"
        "Releases go through stages of REST APIs and HTTP APIs; a WebSocket API has neither their routes nor their deployments. The alias can be promoted without naming the stage.";
    DeploymentRefused "G10" Error Failed
        "API Gateway refuses to deploy the API definition"
        "The live definition is incomplete, for example a method without an integration. The stage goes on serving its previous deployment.";
    ForeignEdits "G11" Warning Done
        "redeploying also publishes edits of others"
        "A deployment is a snapshot of the whole API. The plan lists every pending edit and which of them are not part of this release.";
    DefinitionExposed "G12" Warning Done
        "the new definition is open to all while the old version answers most calls"
        "Alias weights split the code and not the definition. With canary.mode = \"stage\" definition and code move together, behind the canary of the stage.";
    CanaryWiring "G13" Error Usage
        "integrations do not take their alias from alias_variable"
        "A canary of the stage sends its requests to the new version by overriding the stage variable that integrations take the alias from, so every integration of the target must use it. Without a canary it is a notice: the release sets a variable that nothing reads.";
    UnseenEdits "G14" Note Done
        "a deployment made by others was compared by what its export shows"
        "A deployment of stagegate carries a fingerprint of the whole definition. One made by others is compared with the live definition through the stage's export, which leaves some kinds of edits out; they are listed, because the stage may be behind in exactly these. Redeploying by stagegate ends the doubt: redeploy.when = \"always\", or `stagegate redeploy API/STAGE --force`.";
    DeploymentUnproven "G20" Error Usage
        "the deployment of the other target cannot be taken over"
        "`redeploy.from` gives a stage the very deployment that another target's stage serves. That takes one deployment that can be named: no canary, no release under way there, no stage that deploys by itself.";
    VariablesTooLong "G21" Error Usage
        "the stage variables cannot be set with the release"
        "Variables beside the alias variable have their previous values kept in the description of the release's deployment, 1024 characters, so that any machine can put them back. A stage takes at most 100 variables.";
    VariablesForgotten "G22" Error InBetween
        "the previous values of stage variables are not known here"
        "They stand in the description of the deployment that the release made. It was deleted or its description was changed; deployment, alias variable and aliases go back without it.";
    // What doctor and drift find
    WrongStage "D101" Error Findings
        "the URL does not lead to the stage that the configuration names"
        "What clients call is decided by the path of the invoke URL, by the mappings of the custom domain, and by its routing rules. A stage that nobody calls can be promoted for ever without any effect.";
    NothingMapped "D102" Error Findings
        "nothing answers under the URL"
        "The custom domain has no mapping or rule for this path, or the API does not accept requests at its default address.";
    StageBehind "D201" Error Findings
        "the stage does not serve the live definition"
        "A stage serves a snapshot. Edits of resources, methods, integrations, authorizers, models and the like are live once they are deployed and the stage points at the new deployment. The comparison is by content, never by dates.";
    RouteMissing "D202" Error Findings
        "the stage serves no such route"
        "A REST API answers 403 \"Missing Authentication Token\" to a method or path that its deployment does not have, an HTTP API answers 404. It has nothing to do with credentials.";
    SettingsApart "D401" Warning Findings
        "the stage is not set as it should be"
        "Variables, logging, metrics, tracing, throttling and caching belong to the stage, not to the deployment: they take effect at once, and stages drift apart in them. `stage_settings` of the configuration says what is right.";
    CanaryLeft "D501" Error Findings
        "a canary that nobody runs changes a part of the answers"
        "A canary of a stage stays attached after it was promoted, at 0 %, until it is removed; weights of an alias stay when the deployment that set them was stopped. Answers differ from request to request until then.";
    PermissionMissing "D601" Error Findings
        "API Gateway may not call the alias"
        "Every alias has a policy of its own; a permission of the function or of another alias does not count. Requests are answered 500, and no metric of the function shows it, for it is never called.";
    IntegrationMalformed "D602" Error Findings
        "an integration names no function"
        "After the stage variables are put in, what stands for the function is neither an ARN nor NAME or NAME:QUALIFIER in one. Requests are answered 500.";
    AliasMoved "D603" Warning Findings
        "the alias was moved outside stagegate"
        "The record in its description says otherwise, so it is believed no longer: a rollback asks where to go. The next release writes a new record.";
    // Lock
    LockHeld "L01" Error Conflict
        "another release of this target is in flight"
        "The record in the alias says who and since when. A rollback needs no lock.";
    LockExpired "L02" Error Conflict
        "a release of this target stopped without finishing"
        "Its time is over and its record is still open. An expired record never frees the alias for a promotion: resume it, roll it back or unlock it.";
    UnlockRefused "L03" Error Conflict
        "the record still has traffic to settle"
        "Weights or a canary of that run remain. Unlocking changes no routing and would leave them without an owner.";
    RecordTooNew "L04" Error Conflict
        "the record was written by a newer stagegate"
        "Its format is unknown here, so neither its lock nor its way back can be trusted to be understood. Update stagegate.";
    RecordDamaged "L05" Error Conflict
        "the record in the alias description cannot be read"
        "Somebody edited it, or cut it off. The alias itself is untouched; a rollback needs the version to be named.";
    NothingInFlight "L06" Error Usage
        "no release of the target is in flight"
        "Neither the records in AWS nor a journal on this machine speaks of a release that is unfinished.";
    ReleaseRuns "L07" Error Conflict
        "this split of the traffic is that of a release"
        "A record of stagegate holds the alias: the release goes on with resume and goes back with rollback. The canary commands are for weights and stage canaries that no release runs.";
    NoSplit "A12" Note Done
        "the traffic is not split"
        "All calls get one version and one deployment: there is no canary to end or to change.";
    // Rollback
    RollbackTargetGone "R01" Error InBetween
        "the version to go back to cannot serve"
        "It was deleted, failed or is inactive. Versions that can serve are listed; one of them is named with --to.";
    NothingRecorded "R02" Error Usage
        "nothing says which version served before"
        "There is no record and no journal of a release. \"The number before\" is never assumed: a person chooses with --to.";
    RecordStale "R03" Error Usage
        "the alias was moved outside stagegate after the record was written"
        "The record's version may not be what served last. Without a terminal the version has to be named with --to.";
    FirstRelease "R04" Error Usage
        "the first release of this alias is finished, nothing served before it"
        "Deleting the alias would stop the service. A version to serve instead is named with --to.";
    AlreadyThere "R05" Note Done
        "the alias already serves that version"
        "There is nothing to roll back; nothing was written.";
    // Smoke
    SmokeFailed "S01" Error RolledBack
        "a smoke check failed"
        "The candidate did not answer as its smoke check expects. It is marked bad and kept without traffic.";
    // Journal
    JournalUnwritable "J01" Error Failed
        "the journal cannot be written"
        "Every write to AWS is preceded by a line in the journal that says how to undo it. Without that line nothing is sent.";
    JournalDamaged "J02" Warning Done
        "the journal has a line that cannot be read"
        "A process that is killed can leave half a last line. Everything before it is used, and AWS is looked at for the rest.";
    NoJournal "J03" Error Usage
        "there is no journal of this release here"
        "Journals are local to the machine that ran the release. The record in the alias is enough to roll back from anywhere.";
    JournalTooNew "J04" Error Usage
        "the journal was written by a newer stagegate"
        "Its format is unknown here. Use that release of stagegate, or roll back from the record in the alias.";
    // Network and services
    Throttled "N01" Error Failed
        "AWS throttles the calls, and all retries are used up"
        "Other tools draw on the same quota of the account and region.";
    ServiceError "N02" Error Failed
        "an AWS service answered with an error"
        "The message holds the service's own words and, where there is one, the request id for a support case.";
    NoAnswer "N03" Error Failed
        "AWS does not answer"
        "Connection, name lookup or time-out failed. A write without an answer is looked at before anything else happens.";
    // Waiting and interrupts
    Interrupted "I01" Error Interrupted
        "the command was stopped"
        "A signal, or the person at the terminal, stopped it. Before the first write that changes nothing; after it the release goes back or is held, as asked, and the message says what AWS is now.";
    StillInFlight "W01" Note InFlight
        "the release is still in flight"
        "The wait is over and the release is not. It goes on by itself or with `stagegate resume TARGET`.";
    RolledBack "W03" Error RolledBack
        "the release that was waited for was rolled back"
        "Whoever waits is told by the exit code how the release ended: 0 promoted, 5 rolled back, 6 neither for certain, 8 still in flight when the time was over.";
    StillBaking "W02" Note InFlight
        "the canary needs more time"
        "One look was asked for, and nothing speaks for the next step yet: the share stays as it is until the next look, `stagegate resume TARGET --once`. Or another process of the same release has gone further meanwhile, and this one leaves it to that.";
    // The gate
    GateFailed "Q01" Error RolledBack
        "the gate found the new version worse"
        "The evidence against the new version, collected minute by minute and side by side with the old one, passed the limit. How the limit follows from `false_rollbacks` is in the README.";
    AlarmMissing "Q02" Error Usage
        "an alarm of the gate does not exist"
        "An alarm with a misspelt name never says anything, so the release is not started.";
    AlarmRed "Q03" Warning Done
        "an alarm of the gate cannot warn of this release"
        "It was in ALARM before the release, or it has no data. What was red before is not blamed on the release; whether the new version makes things worse is still judged.";
    ApiNameShared "Q04" Error Usage
        "several REST APIs have the same name, so their metrics cannot be told apart"
        "CloudWatch keeps the metrics of REST APIs by name and stage. With two APIs of one name the 5XX answers of both are one number.";
    MetricsUnreadable "Q05" Error Failed
        "the metrics that the gate judges by cannot be read"
        "No data is never a pass: while metrics or alarms cannot be read the canary stays where it is.";
    CanaryHeld "Q06" Error InFlight
        "the canary is held, a person decides"
        "The step is over, extension included, and it is not proven that the new version is no worse; or it is proven worse and on.gate_failure is \"hold\". The message says which. The weight stays, nothing moves by itself.";
    ApprovalNeeded "Q07" Note Done
        "the next step of the canary waits for a person"
        "The steps before it have passed. `resume` agrees and goes on, `rollback` goes back.";
    ScheduleChanged "Q08" Error Conflict
        "the canary under way does not fit the configured steps"
        "The weight that AWS has now is not the one that the configured schedule has for this step. Somebody changed the configuration, or the weight.";
    // Clean-up
    KeptAfterAll "Z01" Note Done
        "something that was to be deleted stays"
        "Between looking and deleting it came into use, somebody may invoke it by its own name, or AWS refuses to delete it. It is left as it is, and the rest goes on.";
    RecordsUnseen "Z02" Warning Done
        "deployments stay, because not every record can be read that may name them"
        "A rollback goes back to the deployment that a record names, and records stand in the aliases of all functions behind the API. One that may not be read, or cannot be, may name any deployment.";
    // Logs
    LogMissing "F01" Error Failed
        "the function has no log"
        "Lambda writes to the log group that the function's configuration names, /aws/lambda/NAME unless somebody chose another, and makes it when the function first runs and its role may.";
    // A person must look
    InBetween "X01" Error InBetween
        "neither the old nor the new version is fully in place"
        "Going on and going back both failed or were declined. The message says what is true now and which command settles it.";
    Internal "X02" Error Failed
        "stagegate contradicts itself"
        "This is a bug in stagegate. Nothing further is written.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SG-{}", self.short())
    }
}

impl FromStr for Code {
    type Err = UnknownCode;
    /// Reads `SG-K01`; case and the prefix do not matter.
    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let upper = text.trim().to_ascii_uppercase();
        let short = upper.strip_prefix("SG-").unwrap_or(&upper);
        Self::ALL.iter().copied().find(|code| code.short() == short).ok_or_else(|| UnknownCode(text.to_owned()))
    }
}

impl TryFrom<String> for Code {
    type Error = UnknownCode;
    fn try_from(text: String) -> Result<Self, UnknownCode> {
        text.parse()
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_read_back_as_printed() {
        let texts: BTreeSet<&str> = Code::ALL.iter().map(|code| code.short()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(code.to_string().parse(), Ok(*code));
        }
        assert_eq!("k01".parse(), Ok(Code::UnknownKey));
        assert!("SG-K99".parse::<Code>().unwrap_err().to_string().contains("SG-K99"));
    }

    #[test]
    fn an_error_never_exits_as_success_and_texts_are_complete() {
        for code in Code::ALL {
            assert!(code.level() != Level::Error || code.exit() != Exit::Done, "{code}");
            assert!(!code.title().ends_with('.') && code.title().len() <= 90, "{code}");
            assert!(code.explanation().ends_with('.'), "{code}");
        }
    }
}
