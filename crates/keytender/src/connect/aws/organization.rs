//! What is asked of an organization: its members, and whom AWS writes about an account's security.

use aws_sdk_account::types::AlternateContactType;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus};

use super::{Failure, Iam, Reason, patiently};

/// How many members one answer may hold: the most that AWS Organizations allows.
const PAGE_SIZE: i32 = 20;
/// How many pages of members are read: 50,000 accounts, five times as many as AWS grants on request.
const MAX_PAGES: usize = 2_500;

/// An account of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id of the account.
    pub id: String,
    /// What AWS calls it.
    pub name: String,
    /// `aws`, `aws-cn`, `aws-us-gov` …: the part of AWS that its ARNs name.
    pub partition: String,
    /// Whether it is neither suspended nor closed, nor about to be.
    pub is_active: bool,
}

impl Member {
    /// The ARN of a role in it, by the role's name.
    pub fn role(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:role/{name}", self.partition, self.id)
    }
}

impl Iam {
    /// Every account of the organization, whoever asks included.
    ///
    /// # Errors
    /// [`Failure`] if a page cannot be read: half a list is none.
    pub async fn members(&self) -> Result<Vec<Member>, Failure> {
        const PERMISSION: &str = "organizations:ListAccounts";
        let client = aws_sdk_organizations::Client::new(&self.settings);
        let mut members = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let request = client.list_accounts().max_results(PAGE_SIZE).set_next_token(token);
            let page = patiently(PERMISSION, || request.clone().send()).await?;
            members.extend(page.accounts().iter().filter_map(member));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(members);
            }
        }
        Err(Failure::new(PERMISSION, Reason::EndlessList))
    }

    /// Whom AWS writes about the security of this account: a mail address, if somebody named one.
    ///
    /// # Errors
    /// [`Failure`] if AWS does not tell.
    pub async fn security_contact(&self) -> Result<Option<String>, Failure> {
        let client = aws_sdk_account::Client::new(&self.settings);
        let request =
            client.get_alternate_contact().alternate_contact_type(AlternateContactType::Security);
        match patiently("account:GetAlternateContact", || request.clone().send()).await {
            Ok(answer) => {
                let contact = answer.alternate_contact();
                Ok(contact.and_then(|one| one.email_address()).map(str::to_owned))
            }
            Err(failure) if failure.reason == Reason::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn member(account: &Account) -> Option<Member> {
    // `Status` is the older word, which AWS is about to leave out.
    let is_active = match account.state() {
        Some(state) => *state == AccountState::Active,
        None => account.status() == Some(&AccountStatus::Active),
    };
    let partition = account.arn().and_then(|arn| arn.split(':').nth(1)).unwrap_or("aws");
    Some(Member {
        id: account.id()?.to_owned(),
        name: account.name().unwrap_or_default().to_owned(),
        partition: partition.to_owned(),
        is_active,
    })
}
