//! What is told of one key.

use keytender_core::notice::{About, Item, Next, Series};
use keytender_core::policy::{Assessment, Finding};
use keytender_core::steps::Context;

use super::Planner;
use super::problem::{AHEAD, Problem};
use crate::store::keys::HeldKey;

impl Planner<'_> {
    /// What is told of a key: the rules of `problems`, or all that it breaks.
    pub(super) fn item(
        &self,
        held: &HeldKey,
        problems: &[Problem],
        is_whole: bool,
        page: Option<&str>,
    ) -> Item {
        if let Some(customers) = &self.customers {
            return customers.item(held, problems, self.policy, self.now);
        }
        let key = &held.record.key;
        let mut now = Assessment::default();
        self.policy.assess(key, self.now, &mut now);
        let mut later = Assessment::default();
        self.policy.assess(key, self.now.plus(AHEAD), &mut later);
        let is_told = |index: usize| problems.iter().any(|one| one.rules.contains(&index));
        let mut findings: Vec<Finding<'_>> = Vec::new();
        for (assessment, is_present) in [(&now, true), (&later, false)] {
            for finding in self.policy.findings(assessment) {
                let is_new = !findings.iter().any(|known| known.index == finding.index);
                if is_new && (is_told(finding.index) || is_whole && is_present) {
                    findings.push(finding);
                }
            }
        }
        let act_by = problems.iter().filter_map(|one| one.act_by).min();
        let account = self.accounts.get(&held.account_id);
        let owner = held.owner_id.and_then(|id| self.owners.get(&id));
        let destinations: Vec<String> = held.where_used.iter().cloned().collect();
        let other = self.siblings.beside(held);
        let about = About {
            own_id: Some(held.record.id),
            // People may have told a secret as the id of a key of an unknown provider.
            id_is_secret: key.provider != "aws",
            account_alias: account
                .and_then(|one| one.alias.as_deref())
                .or(Some(&held.account_name)),
            is_admin: held.is_admin == Some(true),
            owner: owner.map(|owner| owner.name.as_str()),
            observed_at: self.observed.get(&held.account_id).copied(),
            destinations: &destinations,
            act_by,
            next: match key.expires_at {
                Some(at) if at > self.now => Next::Expires { at },
                _ => Next::Nothing,
            },
            in_a_line: problems.iter().all(|one| one.series == Series::Monthly),
            page,
            steps: Context {
                profile: account.and_then(|one| one.access.profile.as_deref()),
                other: other.as_ref(),
            },
        };
        Item::new(key, &findings, &about, self.now)
    }
}
