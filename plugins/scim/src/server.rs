//! What a service can do, and its classes: read once and remembered for a while; the one way in for everything this
//! connector does.

use crate::builder;
use crate::client::Client;
use crate::documents::{self, ProviderDocument};
use crate::failure;
use crate::model::{Attribute, Class, Kind, MEMBERS};
use crate::options::{Options, PagingBy, Updates};
use crate::url::{self, Url};
use hawser_sdk::http::Response;
use hawser_sdk::{Error, FailureKind, Result, cache};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long what a service says of itself is believed; a schema that is asked for is always read anew.
const REMEMBERED: Duration = Duration::from_hours(1);

/// What a service says it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Capabilities {
    pub(crate) patch: bool,
    pub(crate) filter: bool,
    pub(crate) etag: bool,
    /// Pages by cursor (RFC 9865), and whether they are what the service prefers.
    pub(crate) cursor: bool,
    pub(crate) prefers_cursor: bool,
    /// The most resources on a page.
    pub(crate) page_max: Option<u32>,
}

/// A service and what is known about it.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) options: Options,
    pub(crate) can: Capabilities,
    pub(crate) classes: Vec<Class>,
}

/// What is remembered, and under which options it was made.
#[derive(Serialize, Deserialize)]
struct Remembered {
    made_for: String,
    can: Capabilities,
    classes: Vec<Class>,
}

const KEY: &str = "server";

impl Server {
    /// As it was remembered, or as it is.
    pub(crate) fn open(options: &Options) -> Result<Self> {
        let remembered = cache::get(KEY).and_then(|bytes| serde_json::from_slice::<Remembered>(&bytes).ok());
        match remembered.filter(|it| it.made_for == made_for(options)) {
            Some(Remembered { can, classes, .. }) => {
                Ok(Self { client: Client::open(options)?, options: options.clone(), can, classes })
            }
            None => Self::read(options),
        }
    }

    /// As it is now.
    pub(crate) fn read(options: &Options) -> Result<Self> {
        let client = Client::open(options)?;
        let can = capabilities(&client)?;
        let types = published(&client, "/ResourceTypes")?;
        let types =
            types.map_or_else(|| Ok(documents::core_types()), |body| documents::list(&body, "/ResourceTypes"))?;
        let schemas = published(&client, "/Schemas")?;
        let mut schemas = schemas.map_or_else(|| Ok(Vec::new()), |body| documents::list(&body, "/Schemas"))?;
        // What a service does not describe is as the standard has it.
        schemas.extend(documents::core_schemas()?);
        let classes = builder::build(&types, &schemas, options)?;
        let remembered = Remembered { made_for: made_for(options), can, classes };
        if let Ok(bytes) = serde_json::to_vec(&remembered) {
            cache::put(KEY, &bytes, REMEMBERED);
        }
        Ok(Self { client, options: options.clone(), can, classes: remembered.classes })
    }

    pub(crate) fn class(&self, name: &str) -> Result<&Class> {
        self.classes.iter().find(|class| class.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.classes.iter().map(|class| class.name.as_str()).collect();
            Error::schema_violation(format!("there is no class `{name}`; there are {}", known.join(", ")))
        })
    }

    /// The class whose objects are granted, and its members.
    pub(crate) fn groups(&self) -> Result<(&Class, &Attribute)> {
        let groups = self.classes.iter().find(|class| class.kind == Kind::Group);
        groups
            .and_then(|class| class.attribute(MEMBERS).map(|members| (class, members)))
            .ok_or_else(|| Error::unsupported("the service has no groups with members"))
    }

    /// May PATCH be used?
    pub(crate) fn patches(&self) -> bool {
        match self.options.updates {
            Updates::Auto => self.can.patch,
            Updates::Patch => true,
            Updates::Put => false,
        }
    }

    /// May the service be asked to filter by that attribute?
    pub(crate) fn filters_by(&self, attribute: &str) -> bool {
        self.can.filter && self.options.is_filterable(attribute)
    }

    pub(crate) fn pages_by_cursor(&self) -> bool {
        match self.options.paging {
            PagingBy::Auto => self.can.prefers_cursor,
            PagingBy::Cursor => true,
            PagingBy::Index => false,
        }
    }

    /// How many resources to ask for at a time; nothing leaves it to the service.
    pub(crate) fn page_size(&self) -> Option<u32> {
        let wanted = Some(self.options.page_size).filter(|size| *size > 0)?;
        Some(self.can.page_max.filter(|max| *max > 0).map_or(wanted, |max| max.min(wanted)))
    }

    /// Where an object lives.
    pub(crate) fn url(class: &Class, uid: &str) -> Result<Url> {
        let segment = url::segment(uid).ok_or_else(|| failure::unknown(&class.name, uid))?;
        Ok(Url::new(format!("{}/{segment}", class.endpoint)))
    }

    /// The same as other resources write it.
    pub(crate) fn location(&self, class: &Class, uid: &str) -> Result<String> {
        Ok(format!("{}{}", self.options.base_url(), Self::url(class, uid)?.into_text()))
    }

    /// Reads an object.
    ///
    /// # Errors
    /// `unknown-uid` naming it, if it does not exist.
    pub(crate) fn object(&self, class: &Class, uid: &str, attributes: Option<&str>) -> Result<Response> {
        let url = Self::url(class, uid)?.with_some("attributes", attributes);
        self.client.get(url).map_err(|error| lost(error, class, uid))
    }
}

/// An object that is not there is named.
pub(crate) fn lost(error: Error, class: &Class, uid: &str) -> Error {
    if error.kind() == FailureKind::UnknownUid { failure::unknown(&class.name, uid) } else { error }
}

/// A service without a description of itself does what the standard insists on, and PATCH.
fn capabilities(client: &Client) -> Result<Capabilities> {
    let Some(body) = published(client, "/ServiceProviderConfig")? else {
        let none = Capabilities {
            patch: true,
            filter: false,
            etag: false,
            cursor: false,
            prefers_cursor: false,
            page_max: None,
        };
        return Ok(none);
    };
    let document: ProviderDocument = serde_json::from_slice(&body).map_err(|_| no_service())?;
    let paging = document.pagination;
    let method = paging.default_pagination_method.unwrap_or_default();
    let only = paging.index == Some(false);
    Ok(Capabilities {
        patch: document.patch.supported,
        filter: document.filter.supported,
        etag: document.etag.supported,
        cursor: paging.cursor,
        prefers_cursor: paging.cursor && (only || method.eq_ignore_ascii_case("cursor")),
        page_max: paging.max_page_size.or(document.filter.max_results.filter(|_| document.filter.supported)),
    })
}

/// A document of the service; nothing where it publishes none.
fn published(client: &Client, path: &str) -> Result<Option<Vec<u8>>> {
    match client.get(Url::new(path)) {
        Ok(response) => Ok(Some(response.body)),
        Err(error) if matches!(error.kind(), FailureKind::UnknownUid | FailureKind::Unsupported) => Ok(None),
        Err(error) => Err(error),
    }
}

fn no_service() -> Error {
    Error::configuration("what answers is no SCIM service; correct the options `host` and `base-path`")
}

/// The options the classes depend on.
fn made_for(options: &Options) -> String {
    let Options { host, port, base_path, resource_types, account_name, group_name, .. } = options;
    format!("{host}:{port}{base_path} {} {account_name} {group_name}", resource_types.join(","))
}

#[cfg(test)]
pub(crate) mod tests;
