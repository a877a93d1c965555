//! Where a deployment's declarations are: the files that `--values`, `--local` and `--wrangler` name, or that lie beside a
//! config.

use std::path::{Path, PathBuf};

use bargate::deployment::{Deployment, EnvFiles, Variables, VariablesIn, Wrangler, usual_names};

use crate::config_file::read_text;
use crate::failure::Failure;

/// Wrangler's configuration, as it looks for it.
const WRANGLER_FILES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// Where a deployment's declarations are.
#[derive(clap::Args)]
pub struct Sources {
    /// A file of variables and secrets, read as wrangler reads .dev.vars if its name begins so, and otherwise as .env; may be
    /// given more than once.
    #[arg(long, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// Reads the files of variables that `wrangler dev` reads beside the config.
    #[arg(long, conflicts_with = "values")]
    local: bool,
    /// Wrangler's configuration: wrangler.toml, wrangler.json or wrangler.jsonc.
    #[arg(long, value_name = "FILE")]
    wrangler: Option<PathBuf>,
    /// The environment of wrangler's configuration, as in `wrangler deploy --env`.
    #[arg(long, value_name = "NAME", requires = "wrangler")]
    environment: Option<String>,
    /// Reports only what is true in every environment, the top of the file included: for builds that do not know which is deployed.
    #[arg(long, requires = "wrangler", conflicts_with = "environment")]
    every_environment: bool,
    /// Where variables must be.
    #[arg(long, value_enum, value_name = "WHERE", default_value_t = VariablesIn::Declared)]
    variables: VariablesIn,
}

impl Sources {
    /// Names the files of variables that `wrangler dev` reads beside the config, and no more.
    pub fn of_local_run() -> Self {
        let (values, variables) = (Vec::new(), VariablesIn::Declared);
        Self { values, local: true, wrangler: None, environment: None, every_environment: false, variables }
    }

    /// Returns the files of a folder that wrangler would find.
    pub fn beside(folder: &Path) -> Self {
        let wrangler = WRANGLER_FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        Self { wrangler, ..Self::of_local_run() }
    }

    /// Checks whether no file is named.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && !self.local && self.wrangler.is_none()
    }

    /// Reads the files; those of a local run are beside the config, in this folder.
    ///
    /// # Errors
    /// A file that cannot be read, or is not a file of its kind.
    pub fn read(&self, folder: &Path) -> Result<Deployment, Failure> {
        self.of_environment(self.environment.as_deref(), folder)
    }

    /// Reads the files for each environment that may be meant, the top of wrangler's configuration first.
    ///
    /// # Errors
    /// A file that cannot be read, or is not a file of its kind.
    pub fn read_each(&self, folder: &Path) -> Result<Vec<Deployment>, Failure> {
        let first = self.read(folder)?;
        let others = first.wrangler.as_ref().filter(|_| self.every_environment);
        let others = others.map(|wrangler| wrangler.environments.clone()).unwrap_or_default();
        let others = others.iter().map(|name| self.of_environment(Some(name), folder));
        std::iter::once(Ok(first)).chain(others).collect()
    }

    fn of_environment(&self, environment: Option<&str>, folder: &Path) -> Result<Deployment, Failure> {
        let wrangler =
            self.wrangler.as_deref().map(|path| Wrangler::parse(read_text(path)?, environment).map_err(Failure::new));
        let wrangler = wrangler.transpose()?;
        let usual = || usual_names(environment, &|name| folder.join(name).is_file()).into_iter();
        let usual: Vec<_> = if self.local { usual().map(|name| folder.join(name)).collect() } else { Vec::new() };
        let paths = if self.local { &usual } else { &self.values };
        let files = paths.iter().map(|path| read_text(path)).collect::<Result<_, _>>()?;
        // A local run then takes secrets from the environment of the process, too.
        let declares_secrets = wrangler.as_ref().is_some_and(Wrangler::declares_secrets);
        let is_local = self.local || !self.values.is_empty();
        let process = if declares_secrets && is_local { of_process() } else { Variables::default() };
        let env = EnvFiles::parse(files, process).map_err(Failure::new)?;
        Ok(Deployment { env, wrangler, variables: self.variables })
    }
}

/// Returns the variables of the process's environment that are valid text.
pub fn of_process() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bargate::config::{Binding, Bindings, Reference, ReferenceKind};

    #[test]
    fn the_usual_values_are_those_of_wrangler_dev() {
        let folder = std::env::temp_dir().join(format!("bargate-usual-values-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let of_local_run = || Sources::of_local_run().read(&folder).ok().unwrap();
        assert_eq!(of_local_run().file_names(), [""; 0], "there is none");
        std::fs::write(folder.join(".env"), "FULL=x\n").unwrap();
        let value = of_local_run().look_up(&Reference { kind: ReferenceKind::Env, name: "FULL".to_owned() });
        assert_eq!(value, Binding::Value("x".to_owned()));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
