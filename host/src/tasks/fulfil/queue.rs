//! Orders that wait for their turn: in their order where they are about the same object, and at once where they are not.

use std::collections::{HashMap, HashSet};

use crate::model::Order;

/// What waits, and what is under way.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Vec<Waiting>,
    /// What the orders under way are about, by number.
    busy: HashMap<i64, Vec<String>>,
}

struct Waiting {
    number: i64,
    about: Vec<String>,
    order: Order,
}

impl Queue {
    /// Adds an order behind the others.
    pub(super) fn push(&mut self, number: i64, order: Order) {
        self.waiting.push(Waiting { number, about: about(&order), order });
    }

    /// The first order that none before it stands in the way of; it is under way now.
    pub(super) fn next(&mut self) -> Option<(i64, Order)> {
        let mut taken: HashSet<&String> = self.busy.values().flatten().collect();
        let free = self.waiting.iter().position(|waiting| {
            let free = waiting.about.iter().all(|object| !taken.contains(object));
            taken.extend(&waiting.about);
            free
        })?;
        let Waiting { number, about, order } = self.waiting.remove(free);
        self.busy.insert(number, about);
        Some((number, order))
    }

    /// An order is no longer under way.
    pub(super) fn ended(&mut self, number: i64) {
        self.busy.remove(&number);
    }
}

/// The objects an order is about, as far as it says so: by uid, and by the name an object gets. A target where one
/// object's uid is another one's name only loses time.
fn about(order: &Order) -> Vec<String> {
    let uid = order.uid().map(|uid| uid.as_str());
    uid.into_iter().chain(order.name()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::order::Step;

    fn delete(uid: &str) -> Order {
        let step = Step::Delete { uid: uid.parse().unwrap(), revision: None };
        Order { key: None, owner: None, class: "account".parse().unwrap(), step }
    }

    fn create(name: &str) -> Order {
        let step = Step::Create { name: name.into(), container: None, attributes: Default::default() };
        Order { step, ..delete("x") }
    }

    fn queue(orders: impl IntoIterator<Item = Order>) -> Queue {
        let mut queue = Queue::default();
        (1..).zip(orders).for_each(|(number, order)| queue.push(number, order));
        queue
    }

    fn next(queue: &mut Queue) -> Option<i64> {
        queue.next().map(|(number, _)| number)
    }

    #[test]
    fn what_is_about_the_same_object_waits_and_what_is_not_does_not() {
        let mut queue = queue([create("Ann"), delete("ann"), delete("bob"), delete("ANN")]);
        assert_eq!((next(&mut queue), next(&mut queue), next(&mut queue)), (Some(1), Some(3), None));
        queue.ended(3);
        assert_eq!(next(&mut queue), None);
        queue.ended(1);
        assert_eq!((next(&mut queue), next(&mut queue)), (Some(2), None));
        queue.ended(2);
        assert_eq!(next(&mut queue), Some(4));
    }

    proptest! {
        #[test]
        fn every_order_gets_its_turn_and_those_for_one_object_in_their_order(
            objects in proptest::collection::vec(0_u8..4, 0..40),
            picks in proptest::collection::vec(0_usize..100, 200),
        ) {
            let mut queue = queue(objects.iter().map(|object| delete(&format!("u{object}"))));
            let (mut running, mut begun): (Vec<i64>, HashMap<u8, Vec<i64>>) = Default::default();
            let object = |number: i64| objects[usize::try_from(number).unwrap() - 1];
            for pick in picks {
                while let Some(number) = next(&mut queue) {
                    prop_assert!(running.iter().all(|other| object(*other) != object(number)));
                    begun.entry(object(number)).or_default().push(number);
                    running.push(number);
                }
                if running.is_empty() {
                    break;
                }
                queue.ended(running.remove(pick % running.len()));
            }
            prop_assert_eq!(begun.values().map(Vec::len).sum::<usize>(), objects.len());
            prop_assert!(begun.values().all(|numbers| numbers.is_sorted()));
        }
    }
}
