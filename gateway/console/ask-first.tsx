/** A button for what cannot be undone: it asks first. */
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface AskFirstProps {
  /** What is going to happen, as a question. */
  readonly question: string
  /** The words of the button that says yes. */
  readonly yes: string
  readonly onYes: () => unknown
  /** The words of the button that asks. */
  readonly children: ComponentChildren
}

export function AskFirst({ children, ...asked }: AskFirstProps) {
  const [isAsking, setIsAsking] = useState(false)
  return (
    <>
      <button type="button" onClick={() => setIsAsking(true)}>
        {children}
      </button>
      {isAsking && <Question {...asked} onEnd={() => setIsAsking(false)} />}
    </>
  )
}

interface QuestionProps extends Omit<AskFirstProps, 'children'> {
  readonly onEnd: () => void
}

/** A modal dialog: Escape says no, and the focus is where it was before once it is closed. */
function Question({ question, yes, onYes, onEnd }: QuestionProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useLayoutEffect(() => dialog.current!.showModal(), [])

  function onClose(): void {
    const isYes = dialog.current!.returnValue === 'yes'
    onEnd()
    if (isYes) onYes()
  }

  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <form method="dialog">
        <p id={id}>{question}</p>
        <p class="actions">
          <button type="submit" value="yes">
            {yes}
          </button>
          <button type="button" autofocus onClick={() => dialog.current!.close()}>
            Cancel
          </button>
        </p>
      </form>
    </dialog>
  )
}
