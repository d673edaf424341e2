/** What went wrong, read aloud when it appears. */
import type { ComponentChildren } from 'preact'

/** It is there before a problem is, as screen readers expect of an alert. */
export function Problem({ children }: { children: ComponentChildren }) {
  return (
    <p class="problem" role="alert">
      {children}
    </p>
  )
}
