/** The editor for operations: CodeMirror, with completion and lint by a schema. */
import { autocompletion, closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { lintKeymap } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import type { Extension } from '@codemirror/state'
import { EditorView, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { graphql, updateSchema } from 'cm6-graphql'
import type { GraphQLSchema } from 'graphql'
import { useEffect, useRef } from 'preact/hooks'

export interface GraphqlEditorProps {
  readonly label: string
  /** The text to begin with; another object replaces what has been written. */
  readonly given: { readonly text: string }
  readonly schema: GraphQLSchema | undefined
  /** The nonce of the policy of the page for styles: the editor brings its own. */
  readonly nonce: string
  readonly onChange: (text: string) => void
  /** Called for Ctrl-Enter. */
  readonly onRun: () => void
}

/** An editor. Tab leaves it, as it leaves any other field; Ctrl-Space completes. */
export function GraphqlEditor({
  label,
  given,
  schema,
  nonce,
  onChange,
  onRun,
}: GraphqlEditorProps) {
  const place = useRef<HTMLDivElement>(null)
  const editor = useRef<EditorView>(undefined)
  // The editor is made once, and calls what the last rendering has given.
  const latest = useRef({ onChange, onRun })
  latest.current = { onChange, onRun }

  useEffect(() => {
    const run = () => {
      latest.current.onRun()
      return true
    }
    const view = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: given.text,
        extensions: [
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ 'aria-label': label }),
          keymap.of([
            { key: 'Mod-Enter', run },
            ...closeBracketsKeymap,
            ...historyKeymap,
            ...lintKeymap,
            ...defaultKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString())
          }),
          EditorView.lineWrapping,
          lineNumbers(),
          history(),
          highlightSpecialChars(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          graphql(schema),
          colours,
        ],
      }),
    })
    editor.current = view
    return () => view.destroy()
  }, [])

  useEffect(() => {
    if (editor.current) updateSchema(editor.current, schema)
  }, [schema])

  useEffect(() => {
    const view = editor.current
    if (!view || view.state.doc.toString() === given.text) return
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: given.text } })
  }, [given])

  return <div class="editor" ref={place} />
}

const colours: Extension = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.keyword, tags.definitionKeyword, tags.modifier], color: 'var(--keyword)' },
    { tag: [tags.propertyName, tags.name], color: 'var(--text)' },
    { tag: [tags.variableName, tags.attributeName], color: 'var(--name)' },
    { tag: [tags.string, tags.atom], color: 'var(--string)' },
    { tag: [tags.number, tags.bool, tags.null], color: 'var(--number)' },
    { tag: tags.lineComment, color: 'var(--quiet)' },
  ]),
)
