/** Pagination of long lists by cursor, so that no entry is returned twice. */
import { sql } from 'kysely'
import type { Expression, SqlBool } from 'kysely'
import { badInput } from '../bad-input.ts'

export interface Position {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Distinguishes entries of the same millisecond. */
  readonly id: string
}

export interface PageRequest {
  readonly first: number
  readonly after: Position | undefined
}

export interface Page<Node> {
  readonly nodes: Node[]
  /** Undefined at the end of the list. */
  readonly endCursor: string | undefined
}

const most = 200

/** Returns the requested page; throws a BAD_USER_INPUT error if the arguments are not valid. */
export function readPageRequest(args: { first: number; after?: string | null }): PageRequest {
  const { first, after } = args
  if (first < 1 || first > most) {
    throw badInput(`first must be between 1 and ${most}`, { field: 'first', limit: most })
  }
  return { first, after: after == null ? undefined : readCursor(after) }
}

/** Returns the condition that a row comes after a position, in the order of a time and then of the ids. */
export function isAfter(
  column: 'created_at' | 'at',
  order: 'oldest first' | 'newest first',
  { at, id }: Position,
): Expression<SqlBool> {
  const comes = sql.raw(order === 'oldest first' ? '>' : '<')
  return sql<SqlBool>`(${sql.ref(column)}, id) ${comes} (${at}, ${id})`
}

/** @param rows one more than requested, if there are more */
export function pageOf<Row, Node>(
  rows: readonly Row[],
  first: number,
  position: (row: Row) => Position,
  node: (row: Row) => Node,
): Page<Node> {
  const shown = rows.slice(0, first)
  const last = shown.at(-1)
  const more = rows.length > first && last !== undefined
  return { nodes: shown.map(node), endCursor: more ? writeCursor(position(last)) : undefined }
}

function writeCursor({ at, id }: Position): string {
  return Buffer.from(`${at} ${id}`).toString('base64url')
}

function readCursor(cursor: string): Position {
  const [, at, id] = /^(\d{1,15}) (.+)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined) {
    throw badInput('after must be the endCursor of a page', { field: 'after' })
  }
  return { at: Number(at), id }
}
