// Dark or light as the visitor chose last, before anything is painted; else as the system says.
"use strict";
const chosen = localStorage.getItem("theme");
if (chosen) document.documentElement.dataset.theme = chosen;
