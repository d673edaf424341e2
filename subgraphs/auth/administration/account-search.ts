/** Finds accounts by a part of what they are called. */
import { sql } from 'kysely'
import type { Expression, SqlBool } from 'kysely'
import { canonicalUsername } from '../accounts/username.ts'
import { badInput } from '../bad-input.ts'

/** In UTF-16 units: an address, which is the longest of what is searched, and no more. */
const longestSearch = 254

/**
 * Returns the condition that a text is a part of the username, the name or the address, in capitals or
 * not; a BAD_USER_INPUT error for a text that is too long. A `%` or `_` in it means itself.
 */
export function found(search: string): Expression<SqlBool> {
  if (search.length > longestSearch) {
    throw badInput(`search has at most ${longestSearch} characters`, {
      field: 'search',
      limit: longestSearch,
    })
  }
  const text = search.trim()
  const conditions = [
    contains(sql`username`, canonicalUsername(text)),
    ...['name', 'email'].flatMap((column) => [
      contains(sql`lower(${sql.ref(column)})`, text.toLowerCase()),
      // Databases fold the case of ASCII, and of other letters or not.
      contains(sql.ref(column), text),
    ]),
  ]
  return sql<SqlBool>`(${sql.join(conditions, sql` or `)})`
}

function contains(value: Expression<unknown>, part: string): Expression<SqlBool> {
  const pattern = `%${part.replace(/[\\%_]/g, '\\$&')}%`
  return sql<SqlBool>`${value} like ${pattern} escape '\\'`
}
