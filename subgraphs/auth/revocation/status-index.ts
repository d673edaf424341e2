import type { AuthDatabase } from '../database.ts'

/** Returns the next free index of the status lists: a single statement, so that each is used once. */
export async function takeStatusIndex(transaction: AuthDatabase): Promise<number> {
  const { value } = await transaction
    .updateTable('auth_counters')
    .set((column) => ({ value: column('value', '+', 1) }))
    .where('name', '=', 'status index')
    .returning('value')
    .executeTakeFirstOrThrow()
  return value - 1
}
