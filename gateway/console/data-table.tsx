/** A table that may be larger than its place: it is scrolled with the keyboard, too. */
import type { ComponentChildren } from 'preact'

export interface DataTableProps {
  readonly label: string
  readonly columns: readonly string[]
  /** Whether it can have hundreds of rows, of which some are shown at a time. */
  readonly isTall?: boolean
  /** The rows. */
  readonly children: ComponentChildren
}

export function DataTable({ label, columns, isTall, children }: DataTableProps) {
  return (
    <div class={isTall ? 'scroll tall' : 'scroll'} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
