//! The connection to one account and region, and whose it is.

use jiff::Timestamp;

use super::target::{Located, shell_word};
use super::{App, assume, new_seed};
use crate::aws::layers::{Pace, Paced, Steady};
use crate::aws::live::{Live, LiveSettings};
use crate::aws::noun::Identity;
use crate::aws::role::Obstacle;
use crate::aws::{Aws, AwsError, Lifetime};
use crate::clock::{Clock, SystemClock};
use crate::config::{Origin, Settings, Sourced};
use crate::event::Event;
use crate::model::Target;
use crate::plan::Observer;
use crate::plan::observe::check_account;
use crate::problem::{Code, Problem};
use crate::report::plan_text::Caller;

/// AWS as commands see it: reads are repeated, calls keep to the quotas, writes are sent once.
pub type LiveAws = Steady<Paced<Live, SystemClock>, SystemClock>;

/// A connection.
pub struct Session<A, C> {
    /// Where calls go.
    pub aws: A,
    /// Time.
    pub clock: C,
    /// The region.
    pub region: String,
    /// What replaces AWS's own address.
    pub endpoint: Option<String>,
    /// When the credentials end, if that is known.
    pub expires: Option<Timestamp>,
    /// When they are taken to end, where that is not known and they are not renewed.
    pub assumed_end: Option<Timestamp>,
    /// Whether they are renewed without a person before that.
    pub renewable: bool,
    /// When new ones are asked for, if that is known.
    pub renewed_from: Option<Timestamp>,
    /// When they end as renewing them changes it.
    pub lifetime: Lifetime,
    /// Where they come from, for people.
    pub origin: String,
    /// The only account that is allowed.
    pub account: Option<String>,
}

/// Connects as the settings of a located target say. Nothing is sent to AWS yet.
pub async fn connect(app: &App, located: &Located, pace: Pace) -> Result<Session<LiveAws, SystemClock>, Problem> {
    connect_by(app, &located.settings, pace).await
}

/// As [`connect`], by settings that no target stands behind.
pub async fn connect_by(app: &App, settings: &Settings, pace: Pace) -> Result<Session<LiveAws, SystemClock>, Problem> {
    // A profile that only AWS_PROFILE names keeps its place in the SDK's own order.
    let profile = settings.profile.as_ref().filter(|p| p.from != Origin::Env("AWS_PROFILE")).map(|p| p.value.clone());
    let id_token = assume::id_token(settings, &app.env);
    let asked = LiveSettings {
        profile: profile.filter(|_| id_token.is_none()),
        assume_role: settings.assume_role.as_ref().map(|roles| roles.value.clone()).unwrap_or_default(),
        session_name: assume::session_name(&app.env),
        id_token,
        region: settings.region.as_ref().map(|region| region.value.clone()),
        endpoint_url: app.args.endpoint_url.clone(),
    };
    app.reporter.reach(reaches(app, settings));
    let live = Live::connect(&asked).await.map_err(|error| unconnected(&error))?;
    if app.reporter.masks() {
        live.on_secret(crate::report::mask);
    }
    let keys = live.credentials().await.map_err(|error| unauthorised(app, &error))?;
    let Some(keys) = keys else { return Err(no_credentials("no source of credentials has any")) };
    let region = live.region().unwrap_or_default().to_owned();
    let endpoint = live.endpoint().map(ToOwned::to_owned);
    if app.args.verbose {
        app.reporter.say(&describe(settings, live.profile(), &region, endpoint.as_deref(), &keys.access_key_hint));
    }
    let lifetime = live.lifetime();
    Ok(Session {
        aws: Steady::new(Paced::new(live, SystemClock, pace), SystemClock, new_seed()),
        clock: SystemClock,
        region,
        endpoint,
        expires: keys.expires,
        assumed_end: keys.assumed_end,
        renewable: keys.renewable,
        renewed_from: keys.renewed_from,
        lifetime,
        origin: keys.origin,
        account: settings.account.as_ref().map(|account| account.value.clone()),
    })
}

/// The flags that make the AWS CLI look where these settings do. Its own variables it reads itself.
fn reaches(app: &App, settings: &Settings) -> Vec<String> {
    let of = |setting: &Option<Sourced<String>>| {
        setting.as_ref().filter(|setting| !setting.from.is_of_aws()).map(|setting| setting.value.clone())
    };
    let flags = [
        ("--profile", of(&settings.profile)),
        ("--region", of(&settings.region)),
        ("--endpoint-url", app.args.endpoint_url.clone()),
    ];
    flags.into_iter().filter_map(|(flag, value)| Some(format!("{flag} {}", shell_word(&value?)))).collect()
}

fn describe(settings: &Settings, profile: Option<&str>, region: &str, endpoint: Option<&str>, key: &str) -> String {
    let from =
        |origin: Option<Origin>| origin.map_or_else(|| "from AWS's own settings".into(), |o| format!("from {o}"));
    let mut text = format!(
        "region    {region} ({})\nprofile   {} ({})\nkey       {key}\n",
        from(settings.region.as_ref().map(|r| r.from)),
        profile.unwrap_or("none"),
        from(settings.profile.as_ref().map(|p| p.from)),
    );
    if let Some(roles) = &settings.assume_role {
        text.push_str(&format!("role      {} (from {})\n", roles.value.join(" → "), roles.from));
    }
    if let Some(account) = &settings.account {
        text.push_str(&format!("account   {} (from {})\n", account.value, account.from));
    }
    if let Some(endpoint) = endpoint {
        text.push_str(&format!("endpoint  {endpoint}\n"));
    }
    text
}

fn unconnected(error: &AwsError) -> Problem {
    let text = match error {
        AwsError::Configuration { cause } => cause.clone(),
        other => other.to_string(),
    };
    if text.starts_with("no region") {
        return Problem::new(Code::RegionMissing, "no region is configured")
            .why("neither flag, environment, configuration file nor AWS profile names one")
            .fix("name one: --region REGION, or set AWS_REGION");
    }
    Problem::new(Code::BadOption, "the connection to AWS cannot be set up")
        .why(text)
        .fix("see where each setting comes from: repeat the command with -v")
}

fn unauthorised(app: &App, error: &AwsError) -> Problem {
    match error {
        AwsError::Role(refused) if refused.obstacle == Obstacle::NothingToStartFrom => {
            assume::without_permission(refused.problem(), &app.env)
        }
        AwsError::Role(refused) => refused.problem(),
        other => no_credentials(&other.to_string()),
    }
}

fn no_credentials(why: &str) -> Problem {
    Problem::new(Code::NoCredentials, "no usable AWS credentials")
        .why(why)
        .aws_now("not read, nothing was sent")
        .fix("sign in: aws sso login")
        .fix("or name another profile: --profile NAME")
}

impl<A: Aws, C: Clock> Session<A, C> {
    /// Whose credentials; refuses another account than the expected one. To be called before any other call.
    pub async fn identify(&self, app: &App) -> Result<Caller, Problem> {
        let identity = check_account(&self.aws, self.account.as_deref()).await?;
        app.emit(&Event::Identity {
            account: identity.account.clone(),
            region: self.region.clone(),
            arn: Some(identity.arn.clone()),
            endpoint: self.endpoint.clone(),
            credentials_expire: self.expires,
            renewable: self.renewable,
        });
        Ok(self.caller(identity))
    }

    fn caller(&self, identity: Identity) -> Caller {
        let lasts = |end: Timestamp| u64::try_from(end.duration_since(self.clock.now()).as_secs()).unwrap_or(0);
        Caller { identity, lasts_s: self.expires.map(lasts), endpoint: self.endpoint.clone() }
    }

    /// Reads for plans and screens.
    pub fn observer<'a>(&'a self, app: &'a App) -> Observer<'a, A, C> {
        Observer { aws: &self.aws, clock: &self.clock, listener: &app.reporter }
    }

    /// The target as it is planned: where it is and whose, whatever profile it is reached with.
    pub fn placed(&self, target: Target, caller: &Caller) -> Target {
        Target {
            profile: None,
            region: Some(self.region.clone()),
            account: Some(caller.identity.account.clone()),
            ..target
        }
    }
}
