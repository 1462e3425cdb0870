//! Sequences of calls over a small account, chosen by a seed and by what was read before.

use std::collections::{BTreeMap, VecDeque};

use stagegate::aws::noun::{Patch, Routing, Statement};
use stagegate::aws::operation as op;
use stagegate::aws::{Call, Reply, Request};
use stagegate::model::{AliasName, ApiId, FunctionName, StageName, Version};

use super::foreign::Foreign;
use super::observed::{self, Invoked};
use super::sides::{ALIASES, EXISTING, FUNCTIONS, STAGES, alias, function, stage};
use crate::support::account_setup::ALIAS_VARIABLE;

/// The next thing to do.
#[derive(Debug, Clone)]
pub enum Step {
    /// A call of ours, in the World's words.
    Call(Call),
    /// Something a different program does.
    Foreign(Foreign),
}

/// `xorshift64*`.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or_default() % limit
    }

    fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// What was read or made so far, newest last.
#[derive(Debug, Default)]
pub struct Seen {
    aliases: BTreeMap<(FunctionName, AliasName), Vec<String>>,
    policies: BTreeMap<(FunctionName, AliasName), Vec<String>>,
    latest: BTreeMap<FunctionName, Vec<(String, String)>>,
    documents: BTreeMap<String, String>,
    newest: BTreeMap<FunctionName, u64>,
    deployments: Vec<String>,
}

impl Seen {
    /// Takes down what the World answered.
    pub fn note(&mut self, call: &Call, reply: &Reply) {
        match (call, reply) {
            (Call::GetAlias(op::GetAlias { function, alias }), Reply::GetAlias(read))
            | (Call::CreateAlias(op::CreateAlias { function, alias, .. }), Reply::CreateAlias(read))
            | (Call::UpdateAlias(op::UpdateAlias { function, alias, .. }), Reply::UpdateAlias(read)) => {
                let key = (function.clone(), alias.clone());
                self.aliases.entry(key).or_default().push(read.revision.clone());
            }
            (Call::GetPolicy(call), Reply::GetPolicy(read)) => {
                let key = (call.function.clone(), call.alias.clone());
                self.policies.entry(key).or_default().push(read.revision.clone());
                self.documents.insert(read.revision.clone(), read.document.clone());
            }
            (Call::GetFunction(call), Reply::GetFunction(read)) if read.version == Version::Latest => {
                let read = (read.code_sha256.clone(), read.revision.clone());
                self.latest.entry(call.function.clone()).or_default().push(read);
            }
            (Call::PublishVersion(call), Reply::PublishVersion(made)) => {
                self.newest.insert(call.function.clone(), made.version.number().unwrap_or(1));
            }
            (_, Reply::CreateDeployment(made)) => self.deployments.push(made.id.clone()),
            (_, Reply::GetStage(stage)) if !self.deployments.contains(&stage.deployment) => {
                self.deployments.push(stage.deployment.clone());
            }
            _ => {}
        }
    }
}

impl Seen {
    /// Whether the document is the one that was read with this revision of a policy.
    pub fn is_policy(&self, revision: &str, document: &str) -> bool {
        self.documents.get(revision).is_none_or(|read| read == document)
    }
}

/// What is to come next, once what it depends on was read.
#[derive(Debug)]
enum Intent {
    Call(Call),
    Publish(FunctionName),
    Move(FunctionName, AliasName),
}

/// Chooses steps.
#[derive(Debug)]
pub struct Generator {
    random: Random,
    api: ApiId,
    next: VecDeque<Intent>,
    code: usize,
}

impl Generator {
    /// The generator of one sequence.
    pub fn new(seed: u64, api: ApiId) -> Self {
        let random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut next = VecDeque::new();
        for name in FUNCTIONS {
            next.push_back(Intent::Call(op::GetFunction { function: function(name), qualifier: None }.call()));
        }
        for (name, of) in EXISTING {
            next.push_back(Intent::Call(op::GetAlias { function: function(name), alias: alias(of) }.call()));
        }
        next.push_back(Intent::Call(op::GetStage { api: api.clone(), stage: stage(STAGES[0]) }.call()));
        next.push_back(Intent::Call(op::GetModels { api: api.clone(), position: None }.call()));
        next.push_back(Intent::Call(op::GetGatewayResponses { api: api.clone(), position: None }.call()));
        Self { random, api, next, code: 10 }
    }

    /// The next step, given what was seen.
    pub fn next(&mut self, seen: &Seen) -> Step {
        while let Some(intent) = self.next.pop_front() {
            let call = match intent {
                Intent::Call(call) => Some(call),
                Intent::Publish(function) => self.publish(&function, seen.latest.get(&function)),
                Intent::Move(function, alias) => self.update_alias(seen, function, alias),
            };
            if let Some(call) = call {
                return Step::Call(call);
            }
        }
        match self.random.below(100) {
            0..16 => {
                let change = self.foreign();
                self.follow_up(&change);
                Step::Foreign(change)
            }
            16..42 => Step::Call(self.read(seen)),
            42..80 => self.lambda_write(seen),
            _ => self.api_write(seen),
        }
    }

    /// What a change by a different program is likely to show in.
    fn follow_up(&mut self, change: &Foreign) {
        match change {
            Foreign::UpdateCode { function: name, .. }
            | Foreign::Configure { function: name, .. }
            | Foreign::Describe { function: name, .. } => {
                let function = function(name);
                let read = op::GetFunction { function: function.clone(), qualifier: None }.call();
                self.next.extend([Intent::Call(read), Intent::Publish(function)]);
            }
            Foreign::PutRoute { .. } | Foreign::PutMethod { .. } | Foreign::DeleteMethod { .. } => {
                let (api, stage) = (self.api.clone(), self.stage());
                self.next.push_back(Intent::Call(op::GetExport { api: api.clone(), stage }.call()));
                self.next.push_back(Intent::Call(op::GetResources { api, position: None }.call()));
            }
            Foreign::Invoke(invoked) => {
                let query = Call::GetMetricData(observed::query(invoked, &mut |limit| self.random.below(limit)));
                self.next.push_back(Intent::Call(query));
            }
            Foreign::SetAlarm { .. } => {
                let names = ["errors", "slow", "gone"].map(str::to_owned).into();
                self.next.push_back(Intent::Call(op::DescribeAlarms { names }.call()));
            }
            _ => {}
        }
    }

    /// Reads what a write is about: now, and again when the write was made.
    fn around(&mut self, read: Call, write: Option<Call>) -> Step {
        match write {
            Some(write) => {
                self.next.push_back(Intent::Call(read));
                Step::Call(write)
            }
            None => Step::Call(read),
        }
    }

    fn function(&mut self) -> FunctionName {
        let name = if self.random.percent(3) { "ghost" } else { FUNCTIONS[usize::from(self.random.percent(30))] };
        function(name)
    }

    fn alias(&mut self) -> AliasName {
        alias(ALIASES[usize::from(self.random.percent(35))])
    }

    fn stage(&mut self) -> StageName {
        let name = if self.random.percent(5) { "gone" } else { self.random.one(&STAGES) };
        stage(name)
    }

    /// The newest of what was read, an older one, or one that never was.
    fn choose<T: Clone>(&mut self, read: Option<&Vec<T>>) -> Option<T> {
        let read = read.filter(|read| !read.is_empty())?;
        if self.random.percent(75) { read.last().cloned() } else { Some(self.random.one(read)) }
    }

    fn routing(&mut self, function: &FunctionName, seen: &Seen) -> Routing {
        let newest = seen.newest.get(function).copied().unwrap_or(2);
        let version = |random: &mut Random| match random.below(10) {
            0 => newest + 1,
            1..5 => newest,
            _ => 1 + u64::try_from(random.below(64)).unwrap_or_default() % newest,
        };
        let shares = [0.0_f64, 0.05, 0.1, 0.25, 0.5, 0.999, 1.0, 1.5];
        let primary = match self.random.percent(4) {
            true => Version::Latest,
            false => Version::Number(version(&mut self.random)),
        };
        let count = self.random.one(&[0, 0, 0, 0, 1, 1, 1, 1, 1, 2]);
        let weighted = |random: &mut Random| {
            let first = version(random);
            let again = primary == Version::Number(first) && random.percent(75);
            (if again { first % newest + 1 } else { first }, random.one(&shares))
        };
        let weights = (0..count).map(|_| weighted(&mut self.random)).collect();
        let description = match self.random.below(20) {
            0 if self.random.percent(30) => "x".repeat(257),
            1..5 => String::new(),
            _ => format!("text {}", self.random.below(1000)),
        };
        Routing { version: primary, weights, description }
    }

    fn lambda_write(&mut self, seen: &Seen) -> Step {
        let (function, alias) = (self.function(), self.alias());
        let key = (function.clone(), alias.clone());
        let get_alias = op::GetAlias { function: function.clone(), alias: alias.clone() }.call();
        let get_policy = op::GetPolicy { function: function.clone(), alias: alias.clone() }.call();
        match self.random.below(100) {
            0..16 => {
                let read = op::GetFunction { function: function.clone(), qualifier: None }.call();
                self.next.push_back(Intent::Publish(function));
                self.next.push_back(Intent::Call(read.clone()));
                if self.random.percent(50) {
                    return Step::Call(read);
                }
                self.next(seen)
            }
            16..32 => {
                let routing = self.routing(&function, seen);
                self.around(get_alias, Some(op::CreateAlias { function, alias, routing }.call()))
            }
            32..64 => {
                self.next.push_back(Intent::Move(function, alias));
                self.next.push_back(Intent::Call(get_alias.clone()));
                if self.random.percent(50) {
                    return Step::Call(get_alias);
                }
                self.next(seen)
            }
            64..67 => self.around(get_alias, Some(op::DeleteAlias { function, alias }.call())),
            67..85 => {
                let revision = self.policy_guard(seen, &key);
                let statement = self.statement();
                self.around(get_policy, Some(op::AddPermission { function, alias, statement, revision }.call()))
            }
            85..97 => {
                let (revision, sid) = (self.policy_guard(seen, &key), self.sid());
                self.around(get_policy, Some(op::RemovePermission { function, alias, sid, revision }.call()))
            }
            _ => {
                let version = Version::Number(self.random.one(&[1, 1, 2, 3]));
                let payload = r#"{"key":"value"}"#.to_owned();
                Step::Call(op::Invoke { function, version, payload, timeout_s: 20 }.call())
            }
        }
    }

    fn update_alias(&mut self, seen: &Seen, function: FunctionName, alias: AliasName) -> Option<Call> {
        let revision = self.choose(seen.aliases.get(&(function.clone(), alias.clone())))?;
        let routing = self.routing(&function, seen);
        Some(op::UpdateAlias { function, alias, routing, revision }.call())
    }

    fn publish(&mut self, function: &FunctionName, read: Option<&Vec<(String, String)>>) -> Option<Call> {
        let (code_sha256, revision) = self.choose(read)?;
        let wrong = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned();
        let code_sha256 = if self.random.percent(8) { wrong } else { code_sha256 };
        let description = match self.random.below(10) {
            2..5 => String::new(),
            1 if self.random.percent(10) => "y".repeat(257),
            _ => format!("release {}", self.random.below(1000)),
        };
        Some(op::PublishVersion { function: function.clone(), code_sha256, revision, description }.call())
    }

    /// The policy's revision, none, or now and then the alias's: while there is no policy that is the one that counts.
    fn policy_guard(&mut self, seen: &Seen, key: &(FunctionName, AliasName)) -> Option<String> {
        match self.random.below(10) {
            0..3 => None,
            3..6 => self.choose(seen.aliases.get(key)),
            _ => self.choose(seen.policies.get(key)),
        }
    }

    fn sid(&mut self) -> String {
        let sids = ["stagegate-prod", "stagegate-prod", "stagegate-test", "other", "not allowed"];
        self.random.one(&sids).to_owned()
    }

    fn statement(&mut self) -> Statement {
        let (sid, api) = (self.sid(), &self.api);
        let region = crate::support::emulator::REGION;
        Statement { sid, source_arn: format!("arn:aws:execute-api:{region}:123456789012:{api}/prod/*/pets") }
    }

    fn api_write(&mut self, seen: &Seen) -> Step {
        let (api, stage) = (self.api.clone(), self.stage());
        if self.random.percent(30) {
            let description = self.random.one(&["", "stagegate run", "another"]).to_owned();
            let read = op::GetDeployments { api: api.clone(), position: None }.call();
            return self.around(read, Some(op::CreateDeployment { api, description }.call()));
        }
        let patches = match self.random.below(100) {
            0..8 => {
                let path = format!("/canarySettings/stageVariableOverrides/{ALIAS_VARIABLE}");
                vec![Patch::Replace { path: path.clone(), value: "beta".into() }, Patch::Remove { path }]
            }
            8..38 => self.canary(seen),
            _ => (0..self.random.one(&[1, 1, 2, 3])).map(|_| self.patch(seen)).collect(),
        };
        let read = op::GetStage { api: api.clone(), stage: stage.clone() }.call();
        self.around(read, Some(op::UpdateStage { api, stage, patches }.call()))
    }

    /// What a canary of the stage begins with, and how it is made the stage's own, in one call or in two.
    fn canary(&mut self, seen: &Seen) -> Vec<Patch> {
        let set = |path: &str, value: &str| Patch::Replace { path: path.into(), value: value.into() };
        let copy = |from: &str, path: &str| Patch::Copy { from: from.into(), path: path.into() };
        let percent = "/canarySettings/percentTraffic";
        match self.random.below(8) {
            0..3 => vec![
                set("/canarySettings/deploymentId", &self.deployment(seen)),
                set(&format!("/canarySettings/stageVariableOverrides/{ALIAS_VARIABLE}"), "beta"),
                set("/canarySettings/useStageCache", self.random.one(&["false", "true"])),
                set(percent, self.random.one(&["0.0", "10.0", "50.0", "101"])),
            ],
            3..6 => vec![
                set(percent, "0.0"),
                copy("/canarySettings/deploymentId", "/deploymentId"),
                set(&format!("/variables/{ALIAS_VARIABLE}"), "live"),
            ],
            6 => vec![
                copy("/canarySettings/deploymentId", "/deploymentId"),
                copy("/canarySettings/stageVariableOverrides", "/variables"),
                Patch::Remove { path: "/canarySettings".into() },
            ],
            _ => vec![self.random.one(&[
                copy("/canarySettings/stageVariableOverrides", "/variables"),
                copy("/canarySettings/deploymentId", "/variables"),
                copy("/deploymentId", "/canarySettings/deploymentId"),
            ])],
        }
    }

    fn deployment(&mut self, seen: &Seen) -> String {
        let unknown = "nope00".to_owned();
        if self.random.percent(10) { unknown } else { self.choose(Some(&seen.deployments)).unwrap_or(unknown) }
    }

    fn patch(&mut self, seen: &Seen) -> Patch {
        let overridden = format!("/canarySettings/stageVariableOverrides/{ALIAS_VARIABLE}");
        let variable = format!("/variables/{}", self.random.one(&[ALIAS_VARIABLE, "flag", "no-dash"]));
        let set = |path: &str, value: &str| Patch::Replace { path: path.into(), value: value.into() };
        let text = self.random.one(&["live", "beta", "beta", "$LATEST", ""]);
        match self.random.below(100) {
            0..35 => set("/deploymentId", &self.deployment(seen)),
            35..55 => set(&variable, text),
            55..62 => Patch::Remove { path: variable },
            62..70 => set("/canarySettings/percentTraffic", self.random.one(&["0.0", "10.0", "33.3", "101"])),
            70..76 => set("/canarySettings/deploymentId", &self.deployment(seen)),
            76..82 => set(&overridden, text),
            82..88 => Patch::Remove { path: "/canarySettings".into() },
            88..95 => Patch::Remove { path: overridden },
            95..97 => set("/canarySettings", "{}"),
            97..98 => Patch::Remove { path: "/canarySettings/stageVariableOverrides".into() },
            _ => set("/tags/owner", "us"),
        }
    }

    fn read(&mut self, seen: &Seen) -> Call {
        let (api, function, alias, stage) = (self.api.clone(), self.function(), self.alias(), self.stage());
        match self.random.below(22) {
            0 => op::GetCallerIdentity {}.call(),
            1..3 => op::GetAlias { function, alias }.call(),
            3..7 => {
                let qualifier = self.random.one(&[None, Some("1"), Some("2"), Some("4"), Some("live"), Some("beta")]);
                op::GetFunction { function, qualifier: qualifier.map(str::to_owned) }.call()
            }
            7 => op::ListVersionsByFunction { function, marker: None }.call(),
            8 => op::GetPolicy { function, alias }.call(),
            9 => op::GetProvisionedConcurrencyConfig { function, alias }.call(),
            10 => op::GetRestApi { api }.call(),
            11 | 19 => op::GetResources { api, position: None }.call(),
            12 | 13 => match self.random.below(4) {
                0 => op::GetModels { api, position: None }.call(),
                1 => op::GetAuthorizers { api, position: None }.call(),
                2 => op::GetRequestValidators { api, position: None }.call(),
                _ => op::GetGatewayResponses { api, position: None }.call(),
            },
            14 => op::GetStages { api }.call(),
            15 | 21 => {
                let made_up = self.random.percent(25).then(|| "nope00".to_owned());
                let deployment = made_up.unwrap_or_else(|| self.deployment(seen));
                op::GetDeployment { api, deployment }.call()
            }
            16 => op::GetDeployments { api, position: None }.call(),
            17 | 18 => op::GetExport { api, stage }.call(),
            _ => op::GetStage { api, stage }.call(),
        }
    }

    fn foreign(&mut self) -> Foreign {
        let function = FUNCTIONS[usize::from(self.random.percent(30))];
        let (alias, stage) = (self.random.one(&ALIASES), self.random.one(&STAGES));
        let version = self.random.one(&[1, 1, 2, 3]);
        self.code += 1;
        match self.random.below(26) {
            20..24 => {
                let calls = 1 + u64::try_from(self.random.below(40)).unwrap_or_default();
                let errors = calls.min(u64::try_from(self.random.below(4)).unwrap_or_default());
                Foreign::Invoke(Invoked { function, alias, version, minute: self.random.below(20), calls, errors })
            }
            24 | 25 => Foreign::SetAlarm { name: self.random.one(&["errors", "slow"]), rings: self.random.percent(50) },
            0..2 => Foreign::UpdateCode { function, number: self.code, fails: self.random.percent(20) },
            2 => Foreign::Configure { function, timeout_s: 4 + u32::try_from(self.code).unwrap_or_default() },
            3 => Foreign::Describe { function, text: format!("text {}", self.code) },
            4 => Foreign::DeleteVersion { function, version },
            5..8 => Foreign::DescribeAlias { function, alias, text: format!("theirs {}", self.code) },
            8..12 => Foreign::MoveAlias { function, alias, version },
            12..15 => {
                let (method, path) = self.random.one(&[("POST", "/pets"), ("ANY", "/orders"), ("GET", "/pets/{id}")]);
                Foreign::PutRoute { method, path, function, qualifier: self.random.one(&["live", "beta", "1"]) }
            }
            15 => Foreign::PutMethod { method: "PUT", path: "/pets" },
            16 | 17 => Foreign::DeleteMethod { method: self.random.one(&["PUT", "PUT", "GET", "POST"]), path: "/pets" },
            _ => Foreign::SetVariable { stage, name: "theirs", value: self.random.one(&["1", "2"]) },
        }
    }
}
