/** A value as JSON, which the keyboard can scroll. */
export function Json({ label, value }: { label: string; value: unknown }) {
  return (
    <pre tabIndex={0} role="region" aria-label={label}>
      {value === undefined ? 'unknown' : JSON.stringify(value, null, 2)}
    </pre>
  )
}
