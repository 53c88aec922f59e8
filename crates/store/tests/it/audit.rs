//! The audit trail: what is in it, how it is asked, that it only grows and shows what was done to it.

use privet_store::{
    Actor, AuditEntry, AuditFilter, AuditVerdict, DocumentName, Location, Outcome, Store, Timestamp,
};
use serde_json::json;

use crate::support::{NOW, actor, change, on_both, put, thing};

fn refused(operator: &str, at: i64) -> AuditEntry {
    AuditEntry {
        actor: Actor {
            operator: operator.to_owned(),
            ..actor()
        },
        at: Timestamp::from_seconds(at),
        operation: "delete_distribution".to_owned(),
        outcome: Outcome::Refused,
        document: Some(DocumentName::new("distribution", "E1")),
        before: None,
        after: None,
        detail: Some("role_too_low".to_owned()),
    }
}

async fn broken_at(store: &Store) -> Option<u64> {
    match store.verify_audit().await.unwrap() {
        AuditVerdict::Whole { .. } => None,
        AuditVerdict::Broken { seq, .. } => Some(seq),
    }
}

#[test]
fn a_changed_trail_is_found_out() {
    on_both(async |place| {
        let store = place.open().await;
        let empty = store.verify_audit().await.unwrap();
        assert!(matches!(empty, AuditVerdict::Whole { entries: 0, .. }));
        for number in 0..5 {
            put(&store, vec![change("a", json!(number))]).await.unwrap();
        }
        store.audit(refused("eve", 5)).await.unwrap();
        assert_eq!(broken_at(&store).await, None);

        let sentences = [
            "UPDATE audit SET operator = 'eve' WHERE seq = 3",
            "DELETE FROM audit",
        ];
        for sql in sentences {
            let refusal = place.sql(sql).unwrap_err();
            assert!(refusal.contains("can only be added to"), "{refusal}");
        }
        let table = match place.location {
            Location::File(_) => "",
            Location::Url(_) => " ON audit",
        };
        place
            .sql(&format!("DROP TRIGGER audit_keeps_rows{table}"))
            .unwrap();
        if let Location::File(_) = place.location {
            place.sql("DROP TRIGGER audit_keeps_values").unwrap();
        }
        let check = async |column: &str, value: &str, back: &str| {
            let set = |value: &str| {
                place.sql(&format!(
                    "UPDATE audit SET {column} = {value} WHERE seq = 3"
                ))
            };
            set(value).unwrap();
            assert_eq!(broken_at(&store).await, Some(3), "{column}");
            set(back).unwrap();
            assert_eq!(broken_at(&store).await, None, "{column}");
        };
        check("operator", "'eve'", "'ada'").await;
        check("at", "1", "1800000000").await;
        check("body_before", "NULL", "'1'").await;
        check("body_after", "'7'", "'2'").await;
        check("address", "NULL", "'192.0.2.7'").await;
        check("detail", "''", "NULL").await;
        place.sql("DELETE FROM audit WHERE seq = 2").unwrap();
        assert_eq!(broken_at(&store).await, Some(2));
    });
}

#[test]
fn entries_are_filtered_newest_first() {
    on_both(async |place| {
        let store = place.open().await;
        put(&store, vec![change("a", json!(1)), change("b", json!(1))])
            .await
            .unwrap();
        put(&store, vec![change("a", json!(2))]).await.unwrap();
        put(&store, vec![change("a", None)]).await.unwrap();
        store
            .audit(refused("eve\n\0", NOW.seconds() + 9))
            .await
            .unwrap();
        let check = async |restrict: &dyn Fn(&mut AuditFilter), expected: &[u64]| {
            let mut filter = AuditFilter::default();
            restrict(&mut filter);
            let found = store.audit_entries(&filter, 3).await.unwrap();
            let found: Vec<u64> = found.iter().map(|record| record.seq).collect();
            assert_eq!(found, expected, "{filter:?}");
        };
        let text = |text: &str| Some(text.to_owned());
        let later = Timestamp::from_seconds(NOW.seconds() + 1);
        check(&|_| {}, &[5, 4, 3]).await;
        check(&|filter| filter.before_seq = Some(3), &[2, 1]).await;
        check(&|filter| filter.operator = text("eve"), &[]).await;
        check(
            &|filter| filter.operator = text("eve\u{fffd}\u{fffd}"),
            &[5],
        )
        .await;
        check(&|filter| filter.id = text("a"), &[4, 3, 1]).await;
        check(&|filter| filter.kind = text("thing"), &[4, 3, 2]).await;
        check(
            &|filter| filter.operation = text("delete_distribution"),
            &[5],
        )
        .await;
        check(&|filter| filter.outcome = Some(Outcome::Done), &[4, 3, 2]).await;
        check(&|filter| filter.from = Some(later), &[5]).await;
        check(&|filter| filter.to = Some(NOW), &[4, 3, 2]).await;
        let several = |filter: &mut AuditFilter| {
            (filter.kind, filter.id, filter.before_seq) = (text("thing"), text("a"), Some(4));
        };
        check(&several, &[3, 1]).await;

        let records = store.audit_entries(&Default::default(), 10).await.unwrap();
        let update = &records[2].entry;
        assert_eq!(
            (&update.before, &update.after),
            (&Some(json!(1)), &Some(json!(2)))
        );
        assert_eq!(
            (&update.actor, &update.document),
            (&actor(), &Some(thing("a")))
        );
        assert_eq!(records[1].entry.after, None);
        assert_eq!(records[0].entry.detail.as_deref(), Some("role_too_low"));
    });
}
