/** Finds accounts by a part of their username, name or address. */
import { sql } from 'kysely'
import type { Expression, SqlBool } from 'kysely'
import { canonicalUsername } from '../accounts/username.ts'
import { badInput } from '../bad-input.ts'

/** In UTF-16 units: the length of an address, the longest searched field. */
const longestSearch = 254

/**
 * Returns the condition that the username, the name or the address contains a text, ignoring case;
 * throws a BAD_USER_INPUT error if the text is too long. A `%` or `_` in it matches itself.
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
      // Not every database folds the case of letters beyond ASCII.
      contains(sql.ref(column), text),
    ]),
  ]
  return sql<SqlBool>`(${sql.join(conditions, sql` or `)})`
}

function contains(value: Expression<unknown>, part: string): Expression<SqlBool> {
  const pattern = `%${part.replace(/[\\%_]/g, '\\$&')}%`
  return sql<SqlBool>`${value} like ${pattern} escape '\\'`
}
