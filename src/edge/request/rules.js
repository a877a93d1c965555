// Asks a rate limit.

/**
 * @param {RateLimit} binding
 * @param {string} key
 */
export async function within_limit(binding, key) {
  return (await binding.limit({ key })).success === true;
}
