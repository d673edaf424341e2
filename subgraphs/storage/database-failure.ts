/**
 * Why a database cannot be used, in one sentence for the operator: which database, the problem, and how
 * to correct it. Never contains a password.
 */
export class DatabaseFailure extends Error {
  override name = 'DatabaseFailure'
}
