/** Parts of the page of which one is shown. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { TabList } from './tab-list.tsx'

export interface Tab {
  readonly name: string
  readonly content: () => ComponentChildren
}

/** Tabs with the first one chosen. */
export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const [chosen, setChosen] = useState(tabs[0]!.name)
  const names = tabs.map(({ name }) => ({ id: name, name }))
  return (
    <section class="tabs" aria-label={label}>
      <TabList label={label} tabs={names} chosen={chosen} onChoose={setChosen} />
      <div role="tabpanel" id={`panel-${chosen}`} aria-labelledby={`tab-${chosen}`} tabIndex={0}>
        {tabs.find(({ name }) => name === chosen)!.content()}
      </div>
    </section>
  )
}
