// How many trials of searches the words of a search are found in, where the list leaves trials out: "nothing found" would
// not be so.
import { computed, ref, watch } from 'vue'
import { api } from '../../api.ts'
import { type ExperimentView, ofJournal, queryOf } from './experiment-view.ts'

/** `listed`: how many the list has; null while that is not known. */
export function useTrialsBeside(view: () => ExperimentView, listed: () => number | null) {
  const withTrials = ref<{ readonly question: string; readonly total: number } | null>(null)
  const question = computed(() => {
    const { text, filters, journal } = view()
    if (text.trim() === '' || filters.shown !== undefined) return null
    return JSON.stringify({ ...queryOf(view()), ...ofJournal(journal), hasTrials: true, limit: 1 })
  })
  watch(
    [question, listed],
    async ([asked]) => {
      if (asked === null) return
      const reply = await api.call('experiments.list', JSON.parse(asked))
      if (reply.ok && asked === question.value)
        withTrials.value = { question: asked, total: reply.value.total }
    },
    { immediate: true },
  )
  return computed(() => {
    const count = listed()
    const found = withTrials.value
    if (count === null || found === null || found.question !== question.value) return 0
    return Math.max(0, found.total - count)
  })
}
