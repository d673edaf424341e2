/**
 * Why a database cannot be used, in one sentence for the person at the terminal: which database,
 * what is wrong, how to mend it. Never a password.
 */
export class DatabaseFailure extends Error {
  override name = 'DatabaseFailure'
}
