//! What a deployment declares: the bindings of wrangler's configuration and the variables of files such as `.dev.vars`, held
//! against what a config needs.
//!
//! Values are read so that they can be checked as the gateway would; none is ever printed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bargate::config::{Binding, Bindings, Diagnostic, Reference, ReferenceKind, Severity};
use bargate::review::{Need, NeedKind, allowed, needs};
use serde_json::Value;

use crate::Failure;
use crate::config_file::TextFile;

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

/// The files of variables that `wrangler dev` looks for; the first that is there is read, and no other.
const ENV_FILES: [&str; 2] = [".dev.vars", ".env"];

/// Wrangler's configuration, as it looks for it.
const WRANGLER_FILES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// The compatibility flags that keep variables and secrets from whatever is not handed them.
const FLAGS: [&str; 2] = ["nodejs_compat_do_not_populate_process_env", "disallow_importable_env"];

/// Where a deployment's declarations are.
#[derive(clap::Args)]
pub struct Sources {
    /// A file of variables and secrets, such as .dev.vars; may be given more than once.
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
    /// Wrangler's configuration: wrangler.toml, wrangler.json or wrangler.jsonc.
    #[arg(long, value_name = "FILE")]
    wrangler: Option<PathBuf>,
    /// The environment of wrangler's configuration, as in `wrangler deploy --env`.
    #[arg(long, value_name = "NAME", requires = "wrangler")]
    environment: Option<String>,
}

impl Sources {
    /// Names one file of variables and no more.
    pub fn of_env_file(path: PathBuf) -> Self {
        Self { env_file: vec![path], wrangler: None, environment: None }
    }

    /// Names what lies in a folder, as wrangler would find it.
    pub fn beside(folder: &Path) -> Self {
        let first = |names: &[&str]| names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        Self { env_file: first(&ENV_FILES).into_iter().collect(), wrangler: first(&WRANGLER_FILES), environment: None }
    }

    /// Tells whether no file is named.
    pub fn is_empty(&self) -> bool {
        self.env_file.is_empty() && self.wrangler.is_none()
    }
}

/// What was declared, in files that were read.
pub struct Deployment {
    env_files: Vec<(TextFile, BTreeMap<String, String>)>,
    wrangler: Option<Wrangler>,
}

/// Wrangler's configuration for one environment.
struct Wrangler {
    file: TextFile,
    folder: PathBuf,
    section: Value,
    /// Its compatibility flags, which an environment without such takes over, and where in the file they are looked for.
    flags: (Vec<String>, usize),
    /// What to call the section by, such as `wrangler.toml (env.staging)`.
    label: String,
    /// Where in the file, in bytes, names of the section are looked for.
    start: usize,
}

impl Bindings for Deployment {
    fn look_up(&self, reference: &Reference) -> Binding {
        let name = reference.name.as_str();
        // As `wrangler dev` does it: files of variables stand before [vars].
        if let Some(value) = self.env_files.iter().rev().find_map(|(_, values)| values.get(name)) {
            return Binding::Value(value.clone());
        }
        let Some(wrangler) = &self.wrangler else {
            return if self.env_files.is_empty() { Binding::Unknown } else { Binding::Missing };
        };
        if let Some(value) = wrangler.section.get("vars").and_then(|vars| vars.get(name)) {
            return match value {
                Value::String(text) => Binding::Value(text.clone()),
                Value::Number(_) | Value::Bool(_) => Binding::Value(value.to_string()),
                Value::Null | Value::Array(_) | Value::Object(_) => Binding::Missing,
            };
        }
        let required = wrangler.section.pointer("/secrets/required").and_then(Value::as_array);
        let listed = required.is_some_and(|names| names.iter().any(|one| one.as_str() == Some(name)));
        // A secret that was put with `wrangler secret put` stands in no file.
        let put = reference.kind == ReferenceKind::Secret && self.env_files.is_empty() && required.is_none();
        if listed || put || wrangler.names("secrets_store_secrets", "binding").contains(name) {
            return Binding::Unknown;
        }
        Binding::Missing
    }
}

impl Deployment {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read, or is no file of its kind.
    pub fn read(sources: &Sources) -> Result<Self, Failure> {
        let mut env_files = Vec::new();
        for path in &sources.env_file {
            env_files.push(read_env_file(path)?);
        }
        let environment = sources.environment.as_deref();
        let wrangler = sources.wrangler.as_deref().map(|path| Wrangler::read(path, environment)).transpose()?;
        Ok(Self { env_files, wrangler })
    }

    /// Gives the names of the files, those first whose values stand before the others'.
    pub fn file_names(&self) -> Vec<String> {
        let env_files = self.env_files.iter().rev().map(|(file, _)| file);
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
        self.env_files.is_empty() && self.wrangler.as_ref().is_some_and(may)
    }

    /// Adds to what was told of a config what the deployment lacks, and gives what is told of the deployment's own files.
    pub fn review(&self, config: &TextFile, told: &mut Vec<Diagnostic>) -> Vec<(&TextFile, Vec<Diagnostic>)> {
        if self.env_files.is_empty() && self.wrangler.is_none() {
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
            told.sort_by_key(|diagnostic| diagnostic.offset);
            files.push((&wrangler.file, wrangler.review(&needs)));
        }
        for (file, values) in &self.env_files {
            let unused = values.keys().filter(|name| !is_used(name, &needs));
            let mut unused: Vec<_> = unused.map(|name| unused_binding(file, name, 0)).collect();
            unused.sort_by_key(|diagnostic| diagnostic.offset);
            files.push((file, unused));
        }
        for (_, told) in &mut files {
            told.retain(is_told);
        }
        files
    }
}

fn read_env_file(path: &Path) -> Result<(TextFile, BTreeMap<String, String>), Failure> {
    let file = TextFile::read(path)?;
    let mut values = BTreeMap::new();
    for entry in dotenvy::from_read_iter(file.text.as_bytes()) {
        let (name, value) = entry.map_err(|error| not_a_variable(&file, &error))?;
        values.insert(name, value);
    }
    Ok((file, values))
}

/// Says which line of a file of variables is wrong, and does not quote it: a secret may stand there.
fn not_a_variable(file: &TextFile, error: &dotenvy::Error) -> Failure {
    let wrong = match error {
        dotenvy::Error::LineParse(wrong, _) => file.text.lines().position(|line| line.trim() == wrong.trim()),
        _ => None,
    };
    let line = wrong.map_or_else(|| "a line".to_owned(), |index| format!("line {}", index + 1));
    Failure::new(format!("{}: {line} is no NAME=value", file.name))
}

impl Wrangler {
    fn read(path: &Path, environment: Option<&str>) -> Result<Self, Failure> {
        let file = TextFile::read(path)?;
        let fail = |reason: &str| Failure::new(format!("{}: {reason}", file.name));
        let root: Value = if path.extension().is_some_and(|extension| extension == "toml") {
            toml::from_str(&file.text).map_err(|error| {
                let before = error.span().and_then(|span| file.text.get(..span.start)).unwrap_or_default();
                fail(&format!("line {}: {}", before.matches('\n').count() + 1, error.message().replace('\n', ", ")))
            })?
        } else {
            jsonc_parser::parse_to_serde_value(&file.text, &jsonc_parser::ParseOptions::default())
                .map_err(|error| fail(&error.to_string()))?
        };
        let flags_of = |section: &Value| -> Option<Vec<String>> {
            let flags = section.get("compatibility_flags")?.as_array()?;
            Some(flags.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        let inherited = flags_of(&root);
        let section = match environment {
            None => root,
            // Bindings and variables are not inherited by environments.
            Some(name) => root
                .get("env")
                .and_then(|environments| environments.get(name))
                .cloned()
                .ok_or_else(|| fail(&format!("has no environment \"{name}\"")))?,
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let label = match environment {
            None => file.name.clone(),
            Some(name) => format!("{} (env.{name})", file.name),
        };
        let start = environment.and_then(|name| {
            let headings = [format!("[env.{name}"), format!("\"{name}\"")];
            headings.iter().find_map(|heading| file.text.find(heading))
        });
        let start = start.unwrap_or(0);
        let flags = flags_of(&section).map(|own| (own, start)).or(inherited.map(|inherited| (inherited, 0)));
        Ok(Self { file, folder, section, flags: flags.unwrap_or_default(), label, start })
    }

    fn entries(&self, pointer: &str) -> &[Value] {
        self.section.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    fn names(&self, section: &str, key: &str) -> BTreeSet<&str> {
        let pointer = format!("/{section}");
        self.entries(&pointer).iter().filter_map(|entry| entry.get(key)?.as_str()).collect()
    }

    /// The rate limits, by name, with their periods in seconds.
    fn rate_limits(&self) -> BTreeMap<&str, Option<u64>> {
        let limit = |entry: &'_ Value| entry.pointer("/simple/period").and_then(Value::as_u64);
        let unsafe_ones = self.entries("/unsafe/bindings").iter();
        let unsafe_ones = unsafe_ones.filter(|entry| entry.get("type").and_then(Value::as_str) == Some("ratelimit"));
        let all = self.entries("/ratelimits").iter().chain(unsafe_ones);
        all.filter_map(|entry| Some((entry.get("name")?.as_str()?, limit(entry)))).collect()
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
        let mut bound = self.entries("/durable_objects/bindings").iter();
        let bound = bound.find(|entry| entry.get("name").and_then(Value::as_str) == Some(name));
        let Some(bound) = bound else {
            let help = format!("add it to \"durable_objects.bindings\" there, with the class_name \"{class}\"");
            return Some(self.undeclared(need, &help));
        };
        let bound = bound.get("class_name").and_then(Value::as_str).unwrap_or_default();
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
        let (flags, start) = &self.flags;
        let is_set = |flag: &&&str| flags.iter().any(|set| set == **flag);
        let missing = FLAGS.iter().find(|flag| !is_set(flag)).filter(|_| has_modules)?;
        let code = "secret_importable";
        let (offset, line, column) = place_of(&self.file, "compatibility_flags", *start);
        Some(Diagnostic {
            severity: Severity::Warning,
            code,
            path: "compatibility_flags".to_owned(),
            offset,
            line,
            column,
            message: format!("modules and what they import can read every secret without the flag {missing}"),
            help: Some(format!("add it to \"compatibility_flags\" of {}; {}", self.label, way_to_allow(code))),
        })
    }

    /// Tells of what is declared and used by nothing, and of secrets that stand in clear or can be imported.
    fn review(&self, needs: &[Need]) -> Vec<Diagnostic> {
        let vars = self.section.get("vars").and_then(Value::as_object);
        let vars: BTreeSet<&str> = vars.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let mut told = Vec::from_iter(self.importable(needs));
        let secret = |name: &&&str| needs.iter().any(|need| need.kind == NeedKind::Secret && need.name == **name);
        for name in vars.iter().filter(secret) {
            let (offset, line, column) = place_of(&self.file, name, self.start);
            told.push(Diagnostic {
                severity: Severity::Warning,
                code: "secret_in_vars",
                path: format!("vars.{name}"),
                offset,
                line,
                column,
                message: format!("the secret {name} stands in a file"),
                help: Some(format!(
                    "remove it here, and run `npx wrangler secret put {name}`; {}",
                    way_to_allow("secret_in_vars")
                )),
            });
        }
        let mut declared = vars;
        for (section, key) in [
            ("kv_namespaces", "binding"),
            ("services", "binding"),
            ("analytics_engine_datasets", "binding"),
            ("secrets_store_secrets", "binding"),
        ] {
            declared.extend(self.names(section, key));
        }
        declared.extend(self.rate_limits().keys());
        let objects = self.entries("/durable_objects/bindings").iter();
        declared.extend(objects.filter_map(|entry| entry.get("name")?.as_str()));
        let unused = declared.iter().filter(|name| !is_used(name, needs));
        told.extend(unused.map(|name| unused_binding(&self.file, name, self.start)));
        told.sort_by_key(|diagnostic| diagnostic.offset);
        told
    }
}

fn is_used(name: &str, needs: &[Need]) -> bool {
    OWN_NAMES.contains(&name) || needs.iter().any(|need| need.name == name)
}

fn unused_binding(file: &TextFile, name: &str, from: usize) -> Diagnostic {
    let (offset, line, column) = place_of(file, name, from);
    Diagnostic {
        severity: Severity::Warning,
        code: "unused_binding",
        path: String::new(),
        offset,
        line,
        column,
        message: format!("nothing in the config uses {name}"),
        help: Some(format!("remove it, unless your own modules use it; {}", way_to_allow("unused_binding"))),
    }
}

/// Finds where a name stands as a key or as a value, not before the line that `from` is in.
fn place_of(file: &TextFile, name: &str, from: usize) -> (usize, usize, usize) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut start = 0;
    for (index, line) in file.text.split_inclusive('\n').enumerate() {
        let mut places = line.match_indices(name).map(|(at, _)| at);
        let found = places.find(|at| {
            let before = line.get(..*at).and_then(|text| text.chars().next_back());
            let after = line.get(at + name.len()..).and_then(|text| text.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        });
        let is_comment = ["#", "//"].iter().any(|sign| line.trim_start().starts_with(sign));
        if let Some(at) = found.filter(|_| !is_comment && start + line.len() > from) {
            let column = line.get(..at).map_or(0, |before| before.chars().count()) + 1;
            return (start + at, index + 1, column);
        }
        start += line.len();
    }
    (0, 1, 1)
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
