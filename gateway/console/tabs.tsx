/** Parts of the page of which one is shown: the pattern "Tabs" of the ARIA Authoring Practices. */
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'

export interface Tab {
  readonly name: string
  readonly content: () => ComponentChildren
}

/** Tabs with the first one chosen; the arrow keys choose others. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const [chosen, setChosen] = useState(0)
  const buttons = useRef<(HTMLButtonElement | null)[]>([])
  const idOf = (kind: string) => `${kind}-${tabs[chosen]!.name}`

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    const next = (chosen + step + tabs.length) % tabs.length
    setChosen(next)
    buttons.current[next]?.focus()
  }

  return (
    <section class="tabs" aria-label={label}>
      <div role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map(({ name }, index) => (
          <button
            key={name}
            ref={(button) => void (buttons.current[index] = button)}
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-selected={index === chosen}
            aria-controls={index === chosen ? `panel-${name}` : undefined}
            tabIndex={index === chosen ? 0 : -1}
            onClick={() => setChosen(index)}
          >
            {name}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={idOf('panel')} aria-labelledby={idOf('tab')} tabIndex={0}>
        {tabs[chosen]!.content()}
      </div>
    </section>
  )
}
