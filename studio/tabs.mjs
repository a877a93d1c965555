// Tabs by the pattern of the ARIA guide: arrow keys move between them, Tab goes on into the panel.

import { byId } from './dom.mjs';

/** Makes the tabs of `list` work. `onShow` gets the id of a panel each time that one is shown. */
export function startTabs(list, onShow) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const panelOf = (tab) => byId(tab.getAttribute('aria-controls'));

  function show(tab) {
    for (const other of tabs) {
      const isShown = other === tab;
      other.setAttribute('aria-selected', String(isShown));
      other.tabIndex = isShown ? 0 : -1;
      panelOf(other).hidden = !isShown;
    }
    onShow(panelOf(tab).id);
  }

  list.addEventListener('click', (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) show(tab);
  });
  list.addEventListener('keydown', (event) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.indexOf(event.target);
    const to = Number.isFinite(step) ? (at + step + tabs.length) % tabs.length : step < 0 ? 0 : tabs.length - 1;
    show(tabs[to]);
    tabs[to].focus();
  });

  return { show: (id) => show(tabs.find((tab) => panelOf(tab).id === id)) };
}
