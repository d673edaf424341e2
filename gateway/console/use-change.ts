import { useEffect, useRef } from 'preact/hooks'

/** Calls `changed` when a value is another one than in the last rendering. */
export function useChange(value: string | number, changed: () => void): void {
  const before = useRef(value)
  useEffect(() => {
    if (before.current === value) return
    before.current = value
    changed()
  }, [value])
}
