//! Mistakes that the protocol could make: each is made in the world, around the functions of the core, and must be found.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// The object answers before the answer is stored.
    AnswerBeforeStore,
    /// The object does not store that a token request is under way.
    NotUnderWay,
    /// How often a token request was lost is not counted.
    RetriesUnbounded,
    /// The stored answer is for no duplicate, whatever the grace.
    ZeroGrace,
    /// Of requests that come at once, by isolates with different configs, the grace of the first is that of all.
    GraceOfTheFirst,
    /// The stored answer is for everyone, however late.
    ReplayForEver,
    /// Who asks once more is not known again.
    RequesterIgnored,
    /// A duplicate that comes during a token request makes one of its own.
    DuplicateExchanged,
    /// A late duplicate gets the stored token, whatever target it is for.
    WrongTargetReplayed,
    /// Those who asked first keep the refresh token that their answer brought, though the next target has used it.
    SuccessorNotReplaced,
    /// A stored answer is given out after its refresh token was revoked.
    RevokeLeavesStored,
    /// A revocation does not wait for the token request that is under way.
    RevokeDoesNotWait,
    /// A failure of the provider is taken for a refusal.
    FailureIsRefusal,
    /// A session that is ended before it began leaves no trace.
    NoTombstone,
    /// A session is ended without its key.
    EndWithoutKey,
    /// What a renewal brings is written without a look at what is there by then.
    RenewalResurrects,
    /// A session that ends sets no alarm for its revocation.
    NoRevocationAlarm,
    /// A session that ends has the refresh token revoked that it knows, and not what has taken its place.
    SuccessorNotRevoked,
    /// An isolate takes an answer that was on its way past a logout.
    CacheOutlivesLogout,
    /// A failed renewal ends the session.
    FailureEndsSession,
    /// A session keeps the refresh token that it has used.
    OldRefreshTokenKept,
}
