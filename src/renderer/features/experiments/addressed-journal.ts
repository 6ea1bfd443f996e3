// Which journal a page is about, by its address. In one that was opened for looking every link on the page stays in it.
import { type RouteLocationRaw, useRoute } from 'vue-router'
import { ofJournal, readView } from './experiment-view.ts'

/** An address inside a journal, for a crumb. */
export const addressIn = (journal: string, path: string): string =>
  journal === '' ? path : `${path}?journal=${encodeURIComponent(journal)}`

/** Of the page of one run or search: another journal is another page, so it never changes. */
export function useAddressedJournal() {
  const { journal } = readView(useRoute().query)
  return {
    /** Empty for one's own. */
    journal,
    isOther: journal !== '',
    /** As calls take it. */
    about: ofJournal(journal),
    to: (path: string): RouteLocationRaw => ({ path, query: ofJournal(journal) }),
    addressOf: (path: string): string => addressIn(journal, path),
  }
}
