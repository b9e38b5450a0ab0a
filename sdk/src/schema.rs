//! The schema: what classes and attributes the target has.

use crate::bindings::host::model::Failure;
use crate::bindings::schema as wit;
use crate::connector::{Connector, open};
use crate::error::Result;
use crate::export::Exported;
use crate::model::Value;

pub use wit::{AttributeFlags, AttributeInfo, ClassInfo, ClassKind, Matching, Syntax};

/// Describes the target.
pub trait Schema: Connector {
    /// The object classes, as they are in the target now.
    ///
    /// # Errors
    /// When the target could not be asked.
    fn schema(&self) -> Result<Vec<ClassInfo>>;
}

impl ClassInfo {
    /// A class of this kind, without attributes; uids and names match exactly.
    pub fn new(kind: ClassKind, name: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            kind,
            auxiliary: false,
            uid_matching: Matching::Exact,
            name_matching: Matching::Exact,
            attributes: Vec::new(),
            grantable_to: Vec::new(),
            parameters: Vec::new(),
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: AttributeInfo) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Says which class can be granted this entitlement.
    #[must_use]
    pub fn grantable_to(mut self, class: impl Into<String>) -> Self {
        self.grantable_to.push(class.into());
        self
    }
}

impl AttributeInfo {
    /// An attribute with one value that can be read, created and updated, and is read unless something else is
    /// asked for.
    pub fn new(name: impl Into<String>, syntax: Syntax) -> Self {
        let name = name.into();
        Self {
            native_name: name.clone(),
            title: name.clone(),
            name,
            syntax,
            matching: Matching::Exact,
            flags: AttributeFlags::CREATABLE
                | AttributeFlags::UPDATEABLE
                | AttributeFlags::READABLE
                | AttributeFlags::RETURNED_BY_DEFAULT,
            refers_to: Vec::new(),
            allowed: Vec::new(),
        }
    }

    /// A text attribute.
    pub fn text(name: impl Into<String>) -> Self {
        Self::new(name, Syntax::Text)
    }

    /// A reference to objects of a class.
    pub fn reference(name: impl Into<String>, class: impl Into<String>) -> Self {
        let mut reference = Self::new(name, Syntax::Reference);
        reference.refers_to.push(class.into());
        reference
    }

    /// What people call it.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// What the target calls it.
    #[must_use]
    pub fn native_name(mut self, name: impl Into<String>) -> Self {
        self.native_name = name.into();
        self
    }

    /// Limits the values.
    #[must_use]
    pub fn allowed<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.allowed = values.into_iter().map(Into::into).collect();
        self
    }

    /// An object cannot be created without it.
    #[must_use]
    pub fn required(self) -> Self {
        self.with(AttributeFlags::REQUIRED)
    }

    /// It can have more than one value.
    #[must_use]
    pub fn multi_valued(self) -> Self {
        self.with(AttributeFlags::MULTI_VALUED)
    }

    /// Its values come as edges.
    #[must_use]
    pub fn large(self) -> Self {
        self.with(AttributeFlags::LARGE)
    }

    /// It can be set once, when the object is created.
    #[must_use]
    pub fn immutable(self) -> Self {
        self.without(AttributeFlags::UPDATEABLE)
    }

    /// It can only be read.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.without(AttributeFlags::CREATABLE | AttributeFlags::UPDATEABLE)
    }

    /// It is read only when it is asked for.
    #[must_use]
    pub fn on_request(self) -> Self {
        self.without(AttributeFlags::RETURNED_BY_DEFAULT)
    }

    /// It can be written and never read: a password.
    #[must_use]
    pub fn confidential(self) -> Self {
        self.with(AttributeFlags::CONFIDENTIAL).without(AttributeFlags::READABLE | AttributeFlags::RETURNED_BY_DEFAULT)
    }

    fn with(mut self, flags: AttributeFlags) -> Self {
        self.flags |= flags;
        self
    }

    fn without(mut self, flags: AttributeFlags) -> Self {
        self.flags &= !flags;
        self
    }
}

impl<T: Schema> wit::Guest for Exported<T> {
    fn get_schema() -> Result<Vec<ClassInfo>, Failure> {
        Ok(open::<T>()?.schema()?)
    }
}
