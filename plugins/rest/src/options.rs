//! The options of a connection, as the manifest declares them.

use crate::mapping::Mapping;
use crate::template::{Scope, is_part};
use hawser_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// What an operator sets for one connection; every field has the manifest's default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Options {
    pub(crate) host: String,
    pub(crate) base_path: String,
    pub(crate) mapping: String,
    pub(crate) user: Option<String>,
    pub(crate) variables: Vec<String>,
    pub(crate) secret_header: Option<String>,
    pub(crate) secret_query: Option<String>,
    pub(crate) secret_pointer: Option<String>,
    pub(crate) secret_field: Option<String>,
    pub(crate) login_path: Option<String>,
    pub(crate) token_path: Option<String>,
    pub(crate) password_pointer: Option<String>,
    pub(crate) password_field: Option<String>,
    pub(crate) old_password_pointer: Option<String>,
    pub(crate) old_password_field: Option<String>,
    pub(crate) check_pointer: Option<String>,
    pub(crate) check_field: Option<String>,
}

impl Options {
    /// The mapping.
    ///
    /// # Errors
    /// `configuration`, saying where in it what is wrong.
    pub(crate) fn mapping(&self) -> Result<Mapping> {
        if !self.base_path.is_empty() && !self.base_path.starts_with('/') {
            return Err(Error::configuration("the option `base-path` does not begin with `/`; write it like /api"));
        }
        Mapping::parse(&self.mapping)
    }

    /// Does every template find what it names of the options? A parameter of a query that finds nothing is left out, and
    /// the request would be about more than it says.
    ///
    /// # Errors
    /// `configuration`, naming the option to set.
    pub(crate) fn suffice(&self, mapping: &Mapping) -> Result<()> {
        let variables: Vec<&str> = self.variables.iter().filter_map(|it| Some(it.split_once('=')?.0.trim())).collect();
        for name in mapping.names() {
            let missing = match name.strip_prefix("var.") {
                Some(variable) if !variables.iter().any(|given| is_part(variable, given)) => {
                    format!("set it in the option `variables`, like {variable}=...")
                }
                None if self.user.is_none() && is_part(&name, "user") => "set the option `user`".to_owned(),
                _ => continue,
            };
            return Err(Error::configuration(format!("a template of the mapping uses `{name}`; {missing}")));
        }
        Ok(())
    }

    /// What every template can name.
    ///
    /// # Errors
    /// `configuration` for a variable that is none.
    pub(crate) fn scope(&self) -> Result<Scope> {
        let mut variables = Map::new();
        for variable in &self.variables {
            let (name, value) = variable.split_once('=').ok_or_else(|| {
                Error::configuration(format!("`{variable}` is no variable; write the option like domain=default"))
            })?;
            variables.insert(name.trim().to_owned(), Json::from(value.trim()));
        }
        let scope = Scope::default().with("var", &Json::Object(variables));
        Ok(match &self.user {
            Some(user) => scope.with("user", &Json::from(user.as_str())),
            None => scope,
        })
    }

    /// A path of the mapping, below where the API begins.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base_path.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_below_the_base_however_it_is_written() {
        for (base, path) in [("/", "/users"), ("", "/users"), ("/api", "/api/users"), ("/api/", "/api/users")] {
            let options = Options { base_path: base.to_owned(), ..Options::default() };
            assert_eq!(options.path("/users"), path);
        }
    }

    #[test]
    fn an_option_that_cannot_be_meant_is_named() {
        let options = Options { base_path: "api".to_owned(), ..Options::default() };
        assert!(options.mapping().unwrap_err().message().contains("base-path"));
        let options = Options { variables: vec!["domain".to_owned()], ..Options::default() };
        assert!(options.scope().err().unwrap().message().contains("domain=default"));
    }
}
