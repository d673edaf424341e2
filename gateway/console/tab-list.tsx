/** Names of which one is chosen: the pattern "Tabs" of the ARIA Authoring Practices. */

export interface TabListProps {
  readonly label: string
  readonly tabs: readonly { readonly id: string; readonly name: string }[]
  /** The id of the chosen tab. Its panel has the id `panel-` and this. */
  readonly chosen: string
  readonly onChoose: (id: string) => void
}

/** The arrow keys choose the tab beside the chosen one, Home the first, End the last. */
export function TabList({ label, tabs, chosen, onChoose }: TabListProps) {
  function onKeyDown(event: KeyboardEvent): void {
    const at = tabs.findIndex(({ id }) => id === chosen)
    const places: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      Home: 0,
      End: -1,
    }
    const place = places[event.key]
    const next = place === undefined ? undefined : tabs.at(place % tabs.length)
    if (!next) return
    event.preventDefault()
    onChoose(next.id)
    document.getElementById(`tab-${next.id}`)?.focus()
  }

  return (
    <div role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {tabs.map(({ id, name }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`tab-${id}`}
          aria-selected={id === chosen}
          aria-controls={id === chosen ? `panel-${id}` : undefined}
          tabIndex={id === chosen ? 0 : -1}
          onClick={() => onChoose(id)}
        >
          {name}
        </button>
      ))}
    </div>
  )
}
