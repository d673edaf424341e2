/** A table that may be larger than its place: it is scrolled with the keyboard, too. */
import { toChildArray } from 'preact'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

export interface DataTableProps {
  readonly label: string
  readonly columns: readonly string[]
  /** What is said instead of a table without rows. */
  readonly empty?: string
  /** Whether it can have hundreds of rows, of which some are shown at a time. */
  readonly isTall?: boolean
  /** The rows. */
  readonly children: ComponentChildren
}

export function DataTable({ label, columns, empty, isTall, children }: DataTableProps) {
  const region = useRef<HTMLDivElement>(null)
  const isEmpty = empty !== undefined && toChildArray(children).length === 0
  const hadFocus = region.current?.contains(document.activeElement)
  // A row may go with the button that was pressed in it: the next Tab begins here, not at the top of the page.
  useLayoutEffect(() => {
    if (hadFocus && !region.current!.contains(document.activeElement)) region.current!.focus()
  })
  return (
    <div
      ref={region}
      class={isTall ? 'scroll tall' : 'scroll'}
      tabIndex={isEmpty ? -1 : 0}
      role="region"
      aria-label={label}
    >
      {isEmpty ? (
        <p class="hint">{empty}</p>
      ) : (
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
      )}
    </div>
  )
}
