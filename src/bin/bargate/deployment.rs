//! What a deployment declares: the bindings of wrangler's configuration and the variables of files such as `.dev.vars`, held
//! against what a config needs.
//!
//! Values are read so that they can be checked as the gateway would; none is ever printed.

mod declared;
mod refused;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bargate::config::{Binding, Bindings, Diagnostic, LineIndex, Reference, ReferenceKind, Severity};
use bargate::review::{Need, NeedKind, allowed, needs};

use crate::config_file::TextFile;
use crate::env_files::{self, EnvFile, EnvFiles};
use crate::failure::Failure;
use declared::{Declared, Value, parse_jsonc, parse_toml};
use refused::{LISTS, refusals};

/// Names that the gateway looks for of its own, whatever its config says.
const OWN_NAMES: [&str; 8] = [
    "BARGATE_CONFIG_JSON",
    "SAG_API_CONFIG_JSON",
    "LOG_LEVEL",
    "CONFIG",
    "JWKS",
    "REFRESH_EXCHANGES",
    "SESSIONS",
    "LOGOUT_INDEX",
];

/// The classes of Durable Objects, by the binding that the gateway looks for.
const CLASSES: [(&str, &str); 3] =
    [("REFRESH_EXCHANGES", "RefreshExchange"), ("SESSIONS", "Session"), ("LOGOUT_INDEX", "LogoutIndex")];

/// What the file of a module of `services/` ends in: what the build takes.
const MODULE_ENDINGS: [&str; 4] = [".js", ".mjs", ".ts", ".mts"];

/// Wrangler's configuration, as it looks for it.
const WRANGLER_FILES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// The compatibility flags that keep variables and secrets from whatever is not handed them.
const FLAGS: [&str; 2] = ["nodejs_compat_do_not_populate_process_env", "disallow_importable_env"];

/// Where a deployment's declarations are.
#[derive(clap::Args)]
pub struct Sources {
    /// A file of variables and secrets, read as wrangler reads .dev.vars if its name begins so, and else as .env; may be given
    /// more than once.
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Reads the files of variables that `wrangler dev` reads beside the config.
    #[arg(long, conflicts_with = "env_file")]
    local: bool,
    /// Wrangler's configuration: wrangler.toml, wrangler.json or wrangler.jsonc.
    #[arg(long, value_name = "FILE")]
    wrangler: Option<PathBuf>,
    /// The environment of wrangler's configuration, as in `wrangler deploy --env`.
    #[arg(long, value_name = "NAME", requires = "wrangler")]
    environment: Option<String>,
    /// Tells only what is so in every environment, the top of the file included: for where it is not known which is deployed.
    #[arg(long, requires = "wrangler", conflicts_with = "environment")]
    every_environment: bool,
    /// Where variables have to be.
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = Variables::Declared)]
    variables: Variables,
}

/// Where a deployment's variables have to be.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Variables {
    /// In the files that are named.
    Declared,
    /// Under [vars], unless there are none, or a deployment keeps those of the dashboard (keep_vars).
    DeclaredIfAny,
    /// Anywhere, such as in the dashboard: of those that no file has there is a warning.
    Elsewhere,
}

impl Sources {
    /// Names the files of variables that `wrangler dev` reads beside the config, and no more.
    pub fn of_local_run() -> Self {
        let (env_file, variables) = (Vec::new(), Variables::Declared);
        Self { env_file, local: true, wrangler: None, environment: None, every_environment: false, variables }
    }

    /// Names what lies in a folder, as wrangler would find it.
    pub fn beside(folder: &Path) -> Self {
        let wrangler = WRANGLER_FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        Self { wrangler, ..Self::of_local_run() }
    }

    /// Tells whether no file is named.
    pub fn is_empty(&self) -> bool {
        self.env_file.is_empty() && !self.local && self.wrangler.is_none()
    }
}

/// What was declared, in files that were read.
pub struct Deployment {
    env: EnvFiles,
    wrangler: Option<Wrangler>,
    variables: Variables,
}

/// Wrangler's configuration for one environment.
struct Wrangler {
    file: TextFile,
    folder: PathBuf,
    section: Declared,
    /// What to call the section by, such as `wrangler.toml (env.staging)`.
    label: String,
    /// Its compatibility flags, which an environment without such takes over, and where in the file they stand, in bytes.
    flags: (Vec<String>, usize),
    /// What wrangler refuses of the top of the file and of the section.
    refused: Vec<Diagnostic>,
    /// The environments of the file.
    environments: Vec<String>,
    /// Whether a deployment leaves variables in place that the file does not have.
    keeps_variables: bool,
}

impl Bindings for Deployment {
    fn look_up(&self, reference: &Reference) -> Binding {
        let name = reference.name.as_str();
        // As `wrangler dev` does it: files of variables stand before [vars], and behind bindings of other kinds.
        let is_read = self.wrangler.as_ref().is_none_or(|wrangler| wrangler.ignores(name).is_none());
        if let Some(value) = self.env.value(name).filter(|_| is_read) {
            return Binding::Value(value.to_owned());
        }
        let Some(wrangler) = &self.wrangler else {
            return if self.env.is_empty() { Binding::Unknown } else { Binding::Missing };
        };
        if let Some(declared) = wrangler.section.at("vars").and_then(|vars| vars.get(name)) {
            let value = declared.value.to_variable().map(Binding::Value);
            return value.unwrap_or_else(|| Binding::NoText(declared.value.type_name()));
        }
        // A secret that was put with `wrangler secret put` stands in no file.
        let may_be_put = self.env.is_empty() && wrangler.section.at("secrets.required").is_none();
        if wrangler.has_unseen(name) || (reference.kind == ReferenceKind::Secret && may_be_put) {
            return Binding::Unknown;
        }
        let elsewhere = reference.kind == ReferenceKind::Env && self.has_variables_elsewhere();
        if elsewhere { Binding::Unknown } else { Binding::Missing }
    }
}

impl Deployment {
    /// Reads the files; those of a local run stand beside the config, in this folder.
    ///
    /// # Errors
    /// A file that cannot be read, or is no file of its kind.
    pub fn read(sources: &Sources, folder: &Path) -> Result<Self, Failure> {
        Self::of_environment(sources.environment.as_deref(), sources, folder)
    }

    /// Reads the files for each environment that may be meant, the top of wrangler's configuration first.
    ///
    /// # Errors
    /// A file that cannot be read, or is no file of its kind.
    pub fn read_each(sources: &Sources, folder: &Path) -> Result<Vec<Self>, Failure> {
        let first = Self::read(sources, folder)?;
        let others = first.wrangler.as_ref().filter(|_| sources.every_environment);
        let others = others.map(|wrangler| wrangler.environments.clone()).unwrap_or_default();
        let others = others.iter().map(|name| Self::of_environment(Some(name), sources, folder));
        std::iter::once(Ok(first)).chain(others).collect()
    }

    fn of_environment(environment: Option<&str>, sources: &Sources, folder: &Path) -> Result<Self, Failure> {
        let wrangler = sources.wrangler.as_deref().map(|path| Wrangler::read(path, environment)).transpose()?;
        let usual = if sources.local { env_files::usual(folder, environment) } else { Vec::new() };
        let paths = if sources.local { &usual } else { &sources.env_file };
        let declares_secrets = wrangler.as_ref().is_some_and(|wrangler| wrangler.section.get("secrets").is_some());
        // Then a local run takes secrets from the process's own variables, too.
        let is_local = sources.local || !sources.env_file.is_empty();
        let process = if declares_secrets && is_local { env_files::of_process() } else { Default::default() };
        Ok(Self { env: EnvFiles::read(paths, process)?, wrangler, variables: sources.variables })
    }

    fn has_variables_elsewhere(&self) -> bool {
        let of_wrangler = |wrangler: &Wrangler| {
            wrangler.keeps_variables || wrangler.section.get("vars").is_none_or(|vars| vars.members().is_empty())
        };
        match self.variables {
            Variables::Declared => false,
            Variables::DeclaredIfAny => self.wrangler.as_ref().is_none_or(of_wrangler),
            Variables::Elsewhere => true,
        }
    }

    /// Gives the names of the files, those first whose values stand before the others'.
    pub fn file_names(&self) -> Vec<String> {
        let env_files = self.env.files().iter().rev().map(|env_file| &env_file.file);
        env_files.chain(self.wrangler.iter().map(|wrangler| &wrangler.file)).map(|file| file.name.clone()).collect()
    }

    /// Tells which variables and secrets of a config have no value here, though nobody said that these files are all there is.
    pub fn without_value(&self, config: &TextFile) -> Vec<Diagnostic> {
        let code = "value_missing";
        if self.file_names().is_empty() || allowed(&config.text).contains(&code) {
            return Vec::new();
        }
        let files = self.file_names().join(" or ");
        let is_missing = |need: &&Need| {
            let kind = match need.kind {
                NeedKind::Variable if self.may_leave_variables_to_others() => return false,
                NeedKind::Variable => ReferenceKind::Env,
                NeedKind::Secret => ReferenceKind::Secret,
                _ => return false,
            };
            match self.look_up(&Reference { kind, name: need.name.clone() }) {
                Binding::Value(value) => value.is_empty(),
                Binding::Unknown => false,
                _ => true,
            }
        };
        let needs = needs(&config.text);
        let missing = needs.iter().filter(is_missing).map(|need| {
            let message = format!("the {} {} has no value in {files}", need.kind.as_str(), need.name);
            let help = match need.kind {
                NeedKind::Secret => {
                    format!("set it in .dev.vars for local runs, and with `npx wrangler secret put {}`", need.name)
                }
                _ => "set it in .dev.vars for local runs, and under [vars] in wrangler.toml".to_owned(),
            };
            let help = format!("{help}; {}", way_to_allow(code));
            Diagnostic { severity: Severity::Warning, ..diagnostic(need, code, message, help) }
        });
        missing.collect()
    }

    /// Tells whether variables that these files do not have may stand in an environment, or in the dashboard.
    fn may_leave_variables_to_others(&self) -> bool {
        let has = |wrangler: &Wrangler, key: &str| wrangler.section.get(key).is_some();
        let may = |wrangler: &Wrangler| has(wrangler, "env") || !has(wrangler, "vars");
        self.env.is_empty() && self.wrangler.as_ref().is_some_and(may)
    }

    /// Adds to what was told of a config what the deployment lacks, and gives what is told of the deployment's own files.
    pub fn review(&self, config: &TextFile, told: &mut Vec<Diagnostic>) -> Vec<(&TextFile, Vec<Diagnostic>)> {
        if self.env.is_empty() && self.wrangler.is_none() {
            return Vec::new();
        }
        let needs = needs(&config.text);
        let allowed = allowed(&config.text);
        // What a config with mistakes would use is not known.
        let has_mistakes = told.iter().any(|one| one.severity == Severity::Error && one.code != "missing_binding");
        let is_quiet = |code| allowed.contains(&code) || has_mistakes && code == "unused_binding";
        let is_told = |one: &Diagnostic| one.severity == Severity::Error || !is_quiet(one.code);
        let mut files: Vec<(&TextFile, Vec<Diagnostic>)> = Vec::new();
        if let Some(wrangler) = &self.wrangler {
            told.extend(needs.iter().filter_map(|need| wrangler.lacks(need)).filter(is_told));
            files.push((&wrangler.file, wrangler.review(&needs)));
        }
        told.extend(self.undeclared_variables(&needs).filter(is_told));
        told.sort_by_key(|diagnostic| diagnostic.offset);
        files.extend(self.env.files().iter().map(|env_file| (&env_file.file, self.review_env_file(env_file, &needs))));
        for (_, told) in &mut files {
            told.retain(is_told);
        }
        files
    }

    /// Tells of the variables that no file has, where they may be elsewhere.
    fn undeclared_variables(&self, needs: &[Need]) -> Option<Diagnostic> {
        let has_value = |name: &str| {
            let reference = Reference { kind: ReferenceKind::Env, name: name.to_owned() };
            self.look_up(&reference) != Binding::Unknown
                || self.wrangler.as_ref().is_some_and(|wrangler| wrangler.has_unseen(name))
        };
        let is_undeclared = |need: &&Need| need.kind == NeedKind::Variable && !has_value(&need.name);
        let undeclared: Vec<_> =
            needs.iter().filter(|_| self.has_variables_elsewhere()).filter(is_undeclared).collect();
        let first = undeclared.first()?;
        let names: Vec<_> = undeclared.iter().map(|need| need.name.as_str()).collect();
        let code = "undeclared_variable";
        let message = format!("no file has {}; unless set elsewhere, every request gets 503", names.join(", "));
        let help = format!("set what is missing under [vars] in wrangler.toml; {}", way_to_allow(code));
        Some(Diagnostic { severity: Severity::Warning, ..diagnostic(first, code, message, help) })
    }

    /// Tells what of a file of variables nothing uses, and what of it wrangler does not read.
    fn review_env_file(&self, env_file: &EnvFile, needs: &[Need]) -> Vec<Diagnostic> {
        let mut told = Vec::new();
        for (name, offset) in &env_file.names {
            if !is_used(name, needs) && !self.env.refers_to(name) {
                told.push(unused_binding(name, *offset));
            } else if let Some(why) = self.wrangler.as_ref().and_then(|wrangler| wrangler.ignores(name)) {
                let code = "ignored_variable";
                let message = format!("`wrangler dev` does not read {name} here: {why}");
                let help = format!("remove it here; {}", way_to_allow(code));
                told.push(warning(code, String::new(), *offset, message, help));
            }
        }
        for offset in &env_file.unread {
            let code = "ignored_line";
            let message = "this is no NAME=value, and wrangler passes over it".to_owned();
            let help = format!("correct it, or begin the line with #; {}", way_to_allow(code));
            told.push(warning(code, String::new(), *offset, message, help));
        }
        told.sort_by_key(|diagnostic| diagnostic.offset);
        locate(&mut told, &env_file.file);
        told
    }
}

/// Finds the lines of what was told of a file.
fn locate(told: &mut [Diagnostic], file: &TextFile) {
    let lines = LineIndex::new(file.text.strip_prefix('\u{feff}').unwrap_or(&file.text));
    for diagnostic in told {
        (diagnostic.line, diagnostic.column) = lines.locate(diagnostic.offset);
    }
}

impl Wrangler {
    fn read(path: &Path, environment: Option<&str>) -> Result<Self, Failure> {
        Self::of(TextFile::read(path)?, path, environment)
    }

    fn of(mut file: TextFile, path: &Path, environment: Option<&str>) -> Result<Self, Failure> {
        let name = file.name.clone();
        let fail = |reason: String| Failure::new(format!("{name}: {reason}"));
        let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
        let lines = LineIndex::new(text);
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        let root = if is_toml { parse_toml(text) } else { parse_jsonc(text) };
        let root = root.map_err(|unreadable| {
            let (line, column) = lines.locate(unreadable.offset);
            fail(format!("line {line}, column {column}: {}", unreadable.reason))
        })?;
        if !matches!(root.value, Value::Table(_)) {
            return Err(fail(format!("expected an object, found {}", root.value.type_name())));
        }
        let refused_of = |section: &Declared, outer: &str| {
            let of_section = refusals(section).into_iter().map(|refusal| {
                let (line, column) = lines.locate(refusal.offset);
                Diagnostic {
                    severity: Severity::Error,
                    code: "wrangler_refuses",
                    path: format!("{outer}{}", refusal.path),
                    offset: refusal.offset,
                    line,
                    column,
                    message: refusal.message,
                    help: Some(refusal.help),
                }
            });
            of_section.collect::<Vec<_>>()
        };
        let without_values = without_values(text, &root);
        let flags_of = |section: &Declared| -> Option<(Vec<String>, usize)> {
            let member = section.member("compatibility_flags")?;
            let flags = member.declared.items().iter().filter_map(Declared::as_text);
            Some((flags.map(str::to_owned).collect(), member.key_offset))
        };
        let mut refused = refused_of(&root, "");
        let mut flags = flags_of(&root).unwrap_or_default();
        let keeps_variables = root.get("keep_vars").is_some_and(|keeps| keeps.value == Value::Bool(true));
        let environments = root.get("env").map(Declared::members).unwrap_or_default();
        let environments: Vec<_> = environments.iter().map(|member| member.key.clone()).collect();
        // Where there are none, wrangler takes the top for whichever is named.
        let environment = environment.filter(|_| !environments.is_empty());
        let section = match environment {
            None => root,
            // Bindings and variables are not inherited by environments.
            Some(name) => {
                let Some(own) = root.get("env").and_then(|environments| environments.get(name)).cloned() else {
                    let known = environments.join(", ");
                    return Err(fail(format!("has no environment \"{name}\"; there is {known}")));
                };
                refused.extend(refused_of(&own, &format!("env.{name}.")));
                flags = flags_of(&own).unwrap_or(flags);
                own
            }
        };
        file.text = without_values;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let label = match environment {
            None => file.name.clone(),
            Some(name) => format!("{} (env.{name})", file.name),
        };
        Ok(Self { file, folder, section, label, flags, refused, environments, keeps_variables })
    }

    /// Tells whether a name has a value that no file shows: that of a secret that must be there, or of one in a Secrets Store.
    fn has_unseen(&self, name: &str) -> bool {
        self.requires(name) || self.names("secrets_store_secrets", "binding").contains(name)
    }

    fn requires(&self, name: &str) -> bool {
        let required = self.section.at("secrets.required").map(Declared::items).unwrap_or_default();
        required.iter().any(|one| one.as_text() == Some(name))
    }

    /// Says why `wrangler dev` does not take a name from a file of variables; `None` where it does.
    fn ignores(&self, name: &str) -> Option<String> {
        let mut lists = LISTS.iter().filter_map(|(list, keys)| Some((list, keys.first()?)));
        if let Some((list, _)) = lists.find(|(list, key)| self.names(list, key).contains(name)) {
            return Some(format!("it is one of \"{list}\" in {}", self.label));
        }
        let is_variable = self.section.at("vars").is_some_and(|vars| vars.get(name).is_some());
        let is_listed = self.section.get("secrets").is_none() || self.requires(name) || is_variable;
        (!is_listed).then(|| format!("it is neither in \"vars\" nor in \"secrets.required\" of {}", self.label))
    }

    fn entries(&self, list: &str) -> &[Declared] {
        self.section.at(list).map(Declared::items).unwrap_or_default()
    }

    fn names(&self, list: &str, key: &str) -> BTreeSet<&str> {
        self.entries(list).iter().filter_map(|entry| entry.text(key)).collect()
    }

    /// The rate limits, by name, with their periods in seconds.
    fn rate_limits(&self) -> BTreeMap<&str, Option<u64>> {
        let limit = |entry: &'_ Declared| match entry.at("simple.period")?.value {
            Value::Number(number) => Some(number as u64),
            _ => None,
        };
        let unsafe_ones = self.entries("unsafe.bindings").iter();
        let unsafe_ones = unsafe_ones.filter(|entry| entry.text("type") == Some("ratelimit"));
        let all = self.entries("ratelimits").iter().chain(unsafe_ones);
        all.filter_map(|entry| Some((entry.text("name")?, limit(entry)))).collect()
    }

    /// Tells of a need that is not met; those for variables and secrets are told where references are resolved.
    fn lacks(&self, need: &Need) -> Option<Diagnostic> {
        let list = match need.kind {
            NeedKind::Variable | NeedKind::Secret => return None,
            NeedKind::DurableObject => return self.lacks_object(need),
            NeedKind::RateLimit(period) => return self.lacks_rate_limit(need, period),
            NeedKind::Module => return self.lacks_module(need),
            NeedKind::Kv => "kv_namespaces",
            NeedKind::Service => "services",
            NeedKind::Analytics => "analytics_engine_datasets",
        };
        let is_declared = self.names(list, "binding").contains(need.name.as_str());
        (!is_declared).then(|| self.undeclared(need, &format!("add it to \"{list}\" there")))
    }

    fn lacks_module(&self, need: &Need) -> Option<Diagnostic> {
        let is_file = |name: &str| self.folder.join(name).is_file();
        // The name is that of a JavaScript file, with its ending behind whatever the config says.
        let said = need.name.strip_suffix(".js").unwrap_or(&need.name);
        let is_there = MODULE_ENDINGS
            .iter()
            .any(|ending| is_file(&format!("{said}{ending}")) || (said.ends_with(ending) && is_file(said)));
        let message = format!("the module {} is not there", self.folder.join(&need.name).display());
        let help = "write it, or correct \"entrypoint\" in \"services\"".to_owned();
        (!is_there).then(|| diagnostic(need, "missing_module", message, help))
    }

    fn lacks_rate_limit(&self, need: &Need, period: u64) -> Option<Diagnostic> {
        let name = need.name.as_str();
        let Some(declared) = self.rate_limits().get(name).copied() else {
            return Some(self.undeclared(need, "add it to \"ratelimits\" there"));
        };
        let declared = declared.filter(|declared| *declared != period)?;
        let message = format!("the rate limit {name} has a period of {declared} s, and {period} s is said here");
        let help = format!("write \"period_seconds\": {declared}, or change {}", self.label);
        Some(diagnostic(need, "binding_mismatch", message, help))
    }

    fn lacks_object(&self, need: &Need) -> Option<Diagnostic> {
        let name = need.name.as_str();
        let (_, class) = CLASSES.into_iter().find(|(binding, _)| *binding == name)?;
        let mut bound = self.entries("durable_objects.bindings").iter();
        let bound = bound.find(|entry| entry.text("name") == Some(name));
        let Some(bound) = bound else {
            let help = format!("add it to \"durable_objects.bindings\" there, with the class_name \"{class}\"");
            return Some(self.undeclared(need, &help));
        };
        let bound = bound.text("class_name").unwrap_or_default();
        (bound != class).then(|| {
            let message = format!("the Durable Object {name} has the class \"{bound}\", and must have \"{class}\"");
            diagnostic(need, "binding_mismatch", message, format!("correct its class_name in {}", self.label))
        })
    }

    fn undeclared(&self, need: &Need, help: &str) -> Diagnostic {
        let message = format!("the {} {} is not declared in {}", need.kind.as_str(), need.name, self.label);
        if need.required {
            return diagnostic(need, "missing_binding", message, help.to_owned());
        }
        let code = "optional_binding_missing";
        let help = format!("{help}; {}", way_to_allow(code));
        Diagnostic { severity: Severity::Warning, ..diagnostic(need, code, message, help) }
    }

    /// Tells where modules can read secrets that nobody hands them.
    fn importable(&self, needs: &[Need]) -> Option<Diagnostic> {
        let has_modules = needs.iter().any(|need| need.kind == NeedKind::Module);
        let (flags, offset) = &self.flags;
        let is_set = |flag: &&&str| flags.iter().any(|set| set == **flag);
        let missing = FLAGS.iter().find(|flag| !is_set(flag)).filter(|_| has_modules)?;
        let code = "secret_importable";
        let message = format!("modules and what they import can read every secret without the flag {missing}");
        let help = format!("add it to \"compatibility_flags\" of {}; {}", self.label, way_to_allow(code));
        Some(warning(code, "compatibility_flags".to_owned(), *offset, message, help))
    }

    /// Tells of what wrangler refuses, of what is declared and used by nothing, and of secrets that stand in clear or can be
    /// imported.
    fn review(&self, needs: &[Need]) -> Vec<Diagnostic> {
        let vars = self.section.get("vars").map(Declared::members).unwrap_or_default();
        let mut told = Vec::from_iter(self.importable(needs));
        let is_secret = |name: &str| needs.iter().any(|need| need.kind == NeedKind::Secret && need.name == name);
        for member in vars.iter().filter(|member| is_secret(&member.key)) {
            let name = &member.key;
            let code = "secret_in_vars";
            let help = format!("remove it here, and run `npx wrangler secret put {name}`; {}", way_to_allow(code));
            let message = format!("the secret {name} stands in a file");
            told.push(warning(code, format!("vars.{name}"), member.key_offset, message, help));
        }
        let in_lists = LISTS.iter().flat_map(|(list, keys)| {
            let key = keys.first().copied().unwrap_or_default();
            let entries = self.entries(list).iter();
            // Of unsafe bindings only rate limits are looked at.
            let entries = entries.filter(|entry| *list != "unsafe.bindings" || entry.text("type") == Some("ratelimit"));
            entries.filter_map(move |entry| entry.get(key))
        });
        let in_lists = in_lists.filter_map(|name| Some((name.as_text()?, name.span.start)));
        let declared = vars.iter().map(|member| (member.key.as_str(), member.key_offset)).chain(in_lists);
        let unused = declared.filter(|(name, _)| !is_used(name, needs));
        told.extend(unused.map(|(name, offset)| unused_binding(name, offset)));
        locate(&mut told, &self.file);
        told.extend(self.refused.iter().cloned());
        told.sort_by_key(|diagnostic| diagnostic.offset);
        told
    }
}

fn is_used(name: &str, needs: &[Need]) -> bool {
    OWN_NAMES.contains(&name) || needs.iter().any(|need| need.name == name)
}

fn unused_binding(name: &str, offset: usize) -> Diagnostic {
    let code = "unused_binding";
    let help = format!("remove it, unless your own modules use it; {}", way_to_allow(code));
    warning(code, String::new(), offset, format!("nothing in the config uses {name}"), help)
}

/// Makes a warning whose line is still to be found.
fn warning(code: &'static str, path: String, offset: usize, message: String, help: String) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, code, path, offset, line: 1, column: 1, message, help: Some(help) }
}

/// Gives what is shown in the place of a character: as many bytes, so that offsets stay true. Quotes and line ends stay.
pub fn hidden(c: char) -> String {
    if ['"', '\'', '\n', '\r'].contains(&c) { c.to_string() } else { "*".repeat(c.len_utf8()) }
}

/// Gives wrangler's configuration without the values of variables, which are not to be printed; every line stays where it is.
fn without_values(text: &str, root: &Declared) -> String {
    let environments = root.get("env").map(Declared::members).unwrap_or_default();
    let sections = std::iter::once(root).chain(environments.iter().map(|member| &member.declared));
    let mut spans = Vec::new();
    let mut rest: Vec<&Declared> = sections.filter_map(|section| section.get("vars")).collect();
    while let Some(declared) = rest.pop() {
        rest.extend(declared.items());
        rest.extend(declared.members().iter().map(|member| &member.declared));
        if matches!(declared.value, Value::Text(_) | Value::Number(_)) {
            spans.push(declared.span.clone());
        }
    }
    spans.sort_by_key(|span| span.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for span in spans {
        shown.push_str(text.get(at..span.start).unwrap_or_default());
        shown.extend(text.get(span.clone()).unwrap_or_default().chars().map(hidden));
        at = span.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

fn way_to_allow(code: &str) -> String {
    format!("if it is meant, add \"allow\": [\"{code}\"] at the top of the config")
}

fn diagnostic(need: &Need, code: &'static str, message: String, help: String) -> Diagnostic {
    let Need { path, offset, line, column, .. } = need;
    Diagnostic {
        severity: Severity::Error,
        code,
        path: path.clone(),
        offset: *offset,
        line: *line,
        column: *column,
        message,
        help: Some(help),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads wrangler's configuration from a text.
    fn wrangler(name: &str, text: &str, environment: Option<&str>) -> Result<Wrangler, String> {
        let file = TextFile { name: name.to_owned(), text: text.to_owned() };
        Wrangler::of(file, Path::new(name), environment).map_err(|failure| failure.to_string())
    }

    /// Tells of a file what `check` tells of it beside a config that needs some things.
    fn told(name: &str, text: &str, environment: Option<&str>) -> Vec<String> {
        let config = r#"{
            "servers": [{ "alias": "api", "url": "$env.API_URL" }],
            "authorizer": { "type": "jwt", "issuer": "i", "audience": "a", "secret": "$secret.KEY" },
            "services": [{ "alias": "prices", "entrypoint": "services/prices" }],
            "paths": [{ "method": "GET", "path": "/", "integration": { "type": "service", "binding": "prices" } }]
        }"#;
        let found = wrangler(name, text, environment).unwrap().review(&needs(config));
        let shown = |one: &Diagnostic| format!("{} {}:{}", one.code, one.line, one.column);
        found.iter().map(shown).filter(|shown| shown != "secret_importable 1:1").collect()
    }

    #[test]
    fn what_wrangler_refuses_is_refused_with_its_place() {
        let rows: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/wrangler/files.json")).unwrap();
        let mut wrong = Vec::new();
        for row in rows.as_array().unwrap() {
            let text = |key: &str| row.get(key).and_then(serde_json::Value::as_str);
            let (about, name) = (text("about").unwrap(), text("file").unwrap());
            let refused = match wrangler(name, text("text").unwrap(), text("environment")) {
                Ok(wrangler) => wrangler.refused.first().map(|one| vec![one.line, one.column]),
                // A place where the file itself is to blame, and none where the environment is.
                Err(failure) => {
                    let numbers = failure.split("line ").nth(1).unwrap_or_default();
                    let numbers = numbers.split(':').next().unwrap_or_default().split(", column ");
                    Some(numbers.filter_map(|number| number.parse().ok()).collect())
                }
            };
            if serde_json::json!(refused) != *row.get("refused").unwrap() {
                wrong.push((about, refused));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn names_are_found_where_they_are_declared() {
        type Row = (&'static str, &'static str, &'static str, Option<&'static str>, &'static [&'static str]);
        let table: [Row; 9] = [
            (
                "a value that is the name of an environment",
                "wrangler.jsonc",
                "{\n  \"vars\": { \"ENVIRONMENT\": \"production\", \"OLD\": \"1\" },\n  \"env\": {\n    \"production\": {\n      \"vars\": { \"OLD\": \"1\" }\n    }\n  }\n}",
                Some("production"),
                &["unused_binding 5:17"],
            ),
            (
                "an environment whose name begins as another's",
                "wrangler.toml",
                "[env.production.vars]\nOLD = \"1\"\n\n[env.prod.vars]\nOLD = \"1\"\n",
                Some("prod"),
                &["unused_binding 5:1"],
            ),
            (
                "an environment above its top",
                "wrangler.toml",
                "[env.prod.vars]\nOLD = \"1\"\n\n[vars]\nOLD = \"1\"\n",
                None,
                &["unused_binding 5:1"],
            ),
            (
                "names in comments, behind values too",
                "wrangler.toml",
                "name = \"shop\" # OLD, KEY\n# OLD = \"0\"\n[vars]\nOLD = \"1\"\nKEY = \"2\"\n",
                None,
                &["unused_binding 4:1", "secret_in_vars 5:1"],
            ),
            (
                "a block of comments",
                "wrangler.jsonc",
                "{\n  /* \"KEY\": was\n     KEY */\n  \"vars\": {\n    \"KEY\": \"1\"\n  }\n}",
                None,
                &["secret_in_vars 5:5"],
            ),
            (
                "a class of the same name among the migrations",
                "wrangler.toml",
                "[[migrations]]\ntag = \"v1\"\nnew_sqlite_classes = [\"Ledger\"]\n\n[[durable_objects.bindings]]\nname = \"Ledger\"\nclass_name = \"Ledger\"\n",
                None,
                &["unused_binding 6:8"],
            ),
            (
                "a value that holds the name of a secret",
                "wrangler.toml",
                "[vars]\nAPI_URL = \"https://a.example/?KEY\"\nKEY = \"1\"\n",
                None,
                &["secret_in_vars 3:1"],
            ),
            (
                "tables in a line, and dotted keys",
                "wrangler.toml",
                "vars = { OLD = \"OLDER\", OLDER = \"OLD\" }\nenv.prod.vars.OLD = \"1\"\n",
                None,
                &["unused_binding 1:10", "unused_binding 1:25"],
            ),
            (
                "flags that are a value of something else",
                "wrangler.toml",
                "# compatibility_flags\n[vars]\nAPI_URL = \"compatibility_flags\"\n\n[env.prod]\ncompatibility_flags = []\n",
                Some("prod"),
                &["secret_importable 6:1"],
            ),
        ];
        for (message, name, text, environment, expected) in table {
            assert_eq!(told(name, text, environment), expected, "{message}");
        }
    }

    #[test]
    fn variables_are_what_the_gateway_reads_of_them() {
        let text =
            "[vars]\nA = \"a\"\nB = true\nC = 1_000\nD = 1.50\nE = 2.0\nF = { a = 1 }\nG = [1]\nH = 2025-12-19\n";
        let deployment = Deployment {
            env: EnvFiles::default(),
            wrangler: Some(wrangler("wrangler.toml", text, None).unwrap()),
            variables: Variables::Declared,
        };
        let value = |text: &str| Binding::Value(text.to_owned());
        let table = [
            ("A", value("a")),
            ("B", value("true")),
            ("C", value("1000")),
            ("D", value("1.5")),
            ("E", value("2")),
            ("F", Binding::NoText("an object")),
            ("G", Binding::NoText("a list")),
            ("H", Binding::NoText("a TOML date")),
            ("I", Binding::Missing),
        ];
        for (name, expected) in table {
            let reference = Reference { kind: ReferenceKind::Env, name: name.to_owned() };
            assert_eq!(deployment.look_up(&reference), expected, "{name}");
        }
        let config = r#"{ "servers": [{ "alias": "api", "url": "$env.F" }], "paths": [] }"#;
        let told = bargate::review::review_with(config, &deployment);
        let of_variable = told.iter().find(|one| one.code == "missing_binding").unwrap();
        assert_eq!(of_variable.message, "F is an object, and the gateway takes a string, a number or a boolean");
    }

    #[test]
    fn lines_are_shown_without_the_values_of_variables() {
        let table = [
            (
                "wrangler.toml",
                "name = \"shop\"\nvars = { A = \"s\u{e9}cret\", B = { C = [1] } }\n[env.a.vars]\nC = \"\"\"x\ny\"\"\"\n",
                "name = \"shop\"\nvars = { A = \"*******\", B = { C = [*] } }\n[env.a.vars]\nC = \"\"\"*\n*\"\"\"\n",
            ),
            ("wrangler.jsonc", "{ \"vars\": { \"A\": \"a\\\"b\" } }", "{ \"vars\": { \"A\": \"**\"*\" } }"),
        ];
        for (name, text, expected) in table {
            assert_eq!(wrangler(name, text, None).unwrap().file.text, expected, "{name}");
        }
    }

    #[test]
    fn the_usual_values_are_those_of_wrangler_dev() {
        let folder = std::env::temp_dir().join(format!("bargate-usual-values-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let of_local_run = || Deployment::read(&Sources::of_local_run(), &folder).ok().unwrap();
        assert_eq!(of_local_run().file_names(), [""; 0], "there is none");
        std::fs::write(folder.join(".env"), "FULL=x\n").unwrap();
        let value = of_local_run().look_up(&Reference { kind: ReferenceKind::Env, name: "FULL".to_owned() });
        assert_eq!(value, Binding::Value("x".to_owned()));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
