//! The interface `ldap`: its generated words and those of the room, one for one. Entries are moved, not copied.

use wasmtime::component::Resource;

use super::bindings::hawser::connector::ldap as wit;
use crate::ldap;
use crate::runtime::imports::Said;
use crate::runtime::imports::credentials::Credential;
use crate::runtime::imports::ldap::{self as imports, Asked, Change, NewValue, Search, Session};
use crate::runtime::state::State;

impl wit::Host for State {}

impl wit::HostSearch for State {
    async fn next(&mut self, search: Resource<Search>, max: u32) -> Said<wit::Entries> {
        Ok(imports::next(self, &search, max).await?.map(Into::into))
    }

    fn drop(&mut self, search: Resource<Search>) -> wasmtime::Result<()> {
        imports::end_search(self, search)
    }
}

impl wit::HostSession for State {
    async fn open(
        &mut self,
        destination: String,
        protection: wit::Protection,
        login: wit::Login,
    ) -> Said<Resource<Session>> {
        imports::open(self, &destination, protection.into(), login.into()).await
    }

    fn search(&mut self, session: Resource<Session>, request: wit::SearchRequest) -> Said<Resource<Search>> {
        imports::search(self, &session, request.into())
    }

    async fn add(
        &mut self,
        session: Resource<Session>,
        dn: String,
        attributes: Vec<wit::NewAttribute>,
        controls: Vec<wit::Control>,
    ) -> Said<Vec<wit::Control>> {
        let attributes = attributes.into_iter().map(Into::into).collect();
        Ok(imports::add(self, &session, dn, attributes, all(controls)).await?.map(all))
    }

    async fn modify(
        &mut self,
        session: Resource<Session>,
        dn: String,
        modifications: Vec<wit::Modification>,
        controls: Vec<wit::Control>,
    ) -> Said<Vec<wit::Control>> {
        let changes = modifications.into_iter().map(Into::into).collect();
        Ok(imports::modify(self, &session, dn, changes, all(controls)).await?.map(all))
    }

    async fn delete(
        &mut self,
        session: Resource<Session>,
        dn: String,
        controls: Vec<wit::Control>,
    ) -> Said<Vec<wit::Control>> {
        Ok(imports::write(self, &session, ldap::Write::Delete { dn }, all(controls)).await?.map(all))
    }

    async fn rename(
        &mut self,
        session: Resource<Session>,
        dn: String,
        new_rdn: String,
        delete_old: bool,
        new_superior: Option<String>,
        controls: Vec<wit::Control>,
    ) -> Said<Vec<wit::Control>> {
        let write = ldap::Write::Rename { dn, new_rdn, delete_old, new_superior };
        Ok(imports::write(self, &session, write, all(controls)).await?.map(all))
    }

    async fn extended(
        &mut self,
        session: Resource<Session>,
        oid: String,
        value: Option<Vec<u8>>,
    ) -> Said<Option<Vec<u8>>> {
        imports::extended(self, &session, &oid, value.as_deref()).await
    }

    async fn set_password(
        &mut self,
        session: Resource<Session>,
        dn: String,
        old: Option<Resource<Credential>>,
        new: Resource<Credential>,
    ) -> Said<()> {
        imports::set_password(self, &session, dn, old, new).await
    }

    async fn verify(&mut self, session: Resource<Session>, dn: String, password: Resource<Credential>) -> Said<()> {
        imports::verify(self, &session, &dn, &password).await
    }

    fn drop(&mut self, session: Resource<Session>) -> wasmtime::Result<()> {
        imports::close(self, session)
    }
}

fn all<T, U: From<T>>(list: Vec<T>) -> Vec<U> {
    list.into_iter().map(Into::into).collect()
}

/// Two enums of the same cases.
macro_rules! cases {
    ($from:ty => $into:ty { $($case:ident),+ }) => {
        impl From<$from> for $into {
            fn from(value: $from) -> Self {
                match value { $(<$from>::$case => Self::$case,)+ }
            }
        }
    };
}
cases!(wit::Protection => ldap::Protection { Tls, None });
cases!(wit::Scope => ldap::Scope { Base, OneLevel, Subtree });
cases!(wit::Deref => ldap::Deref { Never, Searching, Finding, Always });
cases!(wit::Operation => ldap::Operation { Add, Delete, Replace });

impl From<wit::Login> for Asked {
    fn from(login: wit::Login) -> Self {
        match login {
            wit::Login::Anonymous => Self::Anonymous,
            wit::Login::Simple(wit::SimpleLogin { dn, password }) => Self::Simple { dn, password },
            wit::Login::External => Self::External,
        }
    }
}

impl From<wit::NewValue> for NewValue {
    fn from(value: wit::NewValue) -> Self {
        match value {
            wit::NewValue::Bytes(bytes) => Self::Bytes(bytes),
            wit::NewValue::Secret(secret) => Self::Secret(secret),
        }
    }
}

impl From<wit::NewAttribute> for Change {
    fn from(wit::NewAttribute { name, values }: wit::NewAttribute) -> Self {
        // Of an entry that is new: nothing is there that a value could be compared with.
        Self { operation: ldap::Operation::Replace, name, values: all(values) }
    }
}

impl From<wit::Modification> for Change {
    fn from(wit::Modification { operation, name, values }: wit::Modification) -> Self {
        Self { operation: operation.into(), name, values: all(values) }
    }
}

impl From<wit::SearchRequest> for ldap::SearchRequest {
    fn from(request: wit::SearchRequest) -> Self {
        Self {
            base: request.base,
            scope: request.scope.into(),
            deref: request.deref.into(),
            filter: request.filter,
            attributes: request.attributes,
            page_size: request.page_size,
            size_limit: request.size_limit,
            controls: all(request.controls),
        }
    }
}

impl From<wit::Control> for ldap::Control {
    fn from(wit::Control { oid, critical, value }: wit::Control) -> Self {
        Self { oid, critical, value }
    }
}

impl From<ldap::Control> for wit::Control {
    fn from(ldap::Control { oid, critical, value }: ldap::Control) -> Self {
        Self { oid, critical, value }
    }
}

impl From<ldap::Intermediate> for wit::Intermediate {
    fn from(ldap::Intermediate { oid, value, controls }: ldap::Intermediate) -> Self {
        Self { oid, value, controls: all(controls) }
    }
}

impl From<ldap::Entries> for wit::Entries {
    fn from(ldap::Entries { found, intermediates, referrals, done, controls, .. }: ldap::Entries) -> Self {
        let ldap::Packed { names, layout, bytes, controls: of_entries } = found.into_packed();
        Self {
            names,
            layout,
            bytes,
            entry_controls: of_entries.into_iter().map(|(entry, control)| (entry, control.into())).collect(),
            intermediates: all(intermediates),
            referrals,
            done,
            controls: all(controls),
        }
    }
}
