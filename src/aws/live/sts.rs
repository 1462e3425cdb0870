//! STS: who we are.

use aws_sdk_sts::Client;

use super::super::AwsError;
use super::super::noun::Identity;
use super::classify::classify;
use super::reply::required;

pub(super) async fn get_caller_identity(client: &Client) -> Result<Identity, AwsError> {
    let out = client.get_caller_identity().send().await.map_err(classify)?;
    Ok(Identity { account: required(out.account, "Account")?, arn: required(out.arn, "Arn")? })
}
