
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("filters");
  const shown = byId("shown");
  const fields = ["severity", "stack", "rule"];
  const states = [...document.querySelectorAll(".state")].map((element) => ({
    title: element.dataset.title,
    groups: [...element.querySelectorAll(".construct")].map((group) => ({
      element: group,
      name: group.querySelector("h3"),
      findings: [...group.querySelectorAll(".finding")].map((finding) => ({ element: finding, text: null })),
    })),
  }));

  const textOf = (group, finding) => {
    finding.text ??= `${group.name.textContent}\n${finding.element.textContent}`.toLowerCase();
    return finding.text;
  };

  const apply = () => {
    const words = byId("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = fields.map((name) => [name, byId(name).value]).filter(([, value]) => value !== "");
    const counts = states.map((state) => {
      let all = 0;
      let left = 0;
      for (const group of state.groups) {
        let here = 0;
        for (const finding of group.findings) {
          const fits =
            wanted.every(([name, value]) => finding.element.dataset[name] === value) &&
            words.every((word) => textOf(group, finding).includes(word));
          if (finding.element.hidden === fits) finding.element.hidden = !fits;
          if (fits) here += 1;
        }
        if (group.element.hidden !== (here === 0)) group.element.hidden = here === 0;
        all += group.findings.length;
        left += here;
      }
      return `${left.toLocaleString("en")} of ${all.toLocaleString("en")} ${state.title}`;
    });
    const chosen = fields.map(byId).filter((field) => field.value !== "").map((field) => field.selectedOptions[0].text);
    const filter = [...chosen, ...words.map((word) => `"${word}"`)].join(", ");
    shown.textContent = `Shown: ${counts.join("; ")}${filter ? ` (filter: ${filter})` : ""}`;
  };

  let waiting = 0;
  const later = () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(apply);
  };

  form.addEventListener("input", later);
  form.addEventListener("reset", later);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input, select")) {
      event.preventDefault();
      byId("text").focus();
    }
  });

  const unfold = () => {
    const target = byId(location.hash.slice(1));
    const folded = target && target.closest("details");
    if (folded) {
      folded.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", unfold);

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of opened) each.open = false;
  });

  form.hidden = false;
  apply();
  unfold();
})();
