from fastapi import APIRouter

from clinic.api.v1 import members, patients, visits


def build_router() -> APIRouter:
    of_one_patient = APIRouter(prefix="/{patient_id}")
    of_one_patient.include_router(visits.router)
    v1 = APIRouter(prefix="/v1")
    v1.include_router(members.router)
    v1.include_router(patients.router)
    v1.include_router(of_one_patient, prefix="/patients")
    root = APIRouter()
    root.include_router(v1)
    return root
